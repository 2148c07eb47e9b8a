"""Every declared parameter: its bounds, its text, its steps."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import SettingError, Settings
from engine.settings import PARAMETERS
from engine.settings.parameter import OFF_WORDS, Parameter

EACH = pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS.keys())
NUMBERS = [p for p in PARAMETERS.values() if p.kind in ("int", "float")]
EACH_NUMBER = pytest.mark.parametrize("parameter", NUMBERS, ids=[p.name for p in NUMBERS])

PHRASE = st.lists(st.integers(0, 2**31), min_size=1, max_size=4)
PHRASES = st.lists(PHRASE, min_size=1, max_size=3)
PAIR = st.tuples(st.integers(0, 500), st.integers(0, 500))
SCALAR = st.booleans() | st.integers() | st.floats(-9, 9) | st.text()
OPTIONS = st.dictionaries(st.text(), SCALAR | st.lists(SCALAR) | st.dictionaries(st.text(), SCALAR))
# What each parameter takes that is a list of lists.
SHAPED: dict[str, st.SearchStrategy[Any]] = {
    "bad_words_ids": PHRASES,
    "sequence_bias": st.lists(st.tuples(PHRASE, st.floats(-100, 100)), min_size=1, max_size=3),
    "forced_decoder_ids": st.lists(PAIR, min_size=1, max_size=3),
    "force_words_ids": PHRASES | PHRASE.map(lambda phrase: [[[1, *phrase], [2, *phrase]]]),
    "watermarking_config": st.fixed_dictionaries({}, optional={"greenlist_ratio": st.floats(0.1, 0.9)})
    | st.fixed_dictionaries({"ngram_len": st.integers(2, 9), "keys": PHRASE}, optional={"debug_mode": st.booleans()}),
    "word_list": st.just("words.txt#0123456789abcdef"),
    "word_bias": st.lists(st.tuples(st.text(min_size=1), st.floats(-100, 100)), min_size=1, max_size=3),
    "exponential_decay_length_penalty": st.tuples(st.integers(0, 500), st.floats(0.1, 10)),
    "dola_layers": st.sampled_from(["low", "high"]) | PHRASE,
    "constraints": PHRASES,
    "generation_kwargs": OPTIONS,
    "cache_config": OPTIONS,
    "compile_config": OPTIONS,
    "continuous_batching_config": OPTIONS,
}


FORMS = {
    "form_regex": ["a+", "(cat|dog)s?", "[0-9]{3}"],
    "form_json_schema": ["{}", '{"type": "integer"}', "true"],
    "form_grammar": ["start: /a+/", 'start: "x" | "y" start'],
    "forbid_letters": ["e", "éA"],
    "allow_letters": ["xyz"],
    "forbid_pattern": [".*ing"],
    "allow_pattern": ["(?i)s.*", "a/b"],
}


def values_of(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Any value that the declaration takes."""
    match parameter.kind:
        case "int":
            found: st.SearchStrategy[Any] = st.integers(int(parameter.low), int(parameter.high))
        case "float":
            found = st.floats(parameter.low, parameter.high, exclude_min=parameter.low_open)
        case "choice":
            found = st.sampled_from(parameter.choices)
        case "text" if parameter.name in FORMS:
            found = st.sampled_from(FORMS[parameter.name])
        case "text":
            found = st.text() | st.text(st.characters(codec=None)) | st.sampled_from(sorted(OFF_WORDS))
        case "texts":
            found = st.lists(st.text(min_size=1)).map(tuple)
        case "ids":
            found = st.lists(st.integers(0, 2**31)).map(tuple)
        case "bool":
            found = st.booleans()
        case "json":
            found = SHAPED[parameter.name]
    if parameter.can_be_auto:
        found |= st.none()
    return found | st.just(parameter.off) if parameter.can_be_off else found


def any_pair() -> st.SearchStrategy[tuple[Parameter, Any]]:
    return st.sampled_from(list(PARAMETERS.values())).flatmap(lambda p: st.tuples(st.just(p), values_of(p)))


def refused(parameter: Parameter, value: Any) -> str:
    with pytest.raises(SettingError) as error:
        parameter.check(value)
    text = str(error.value)
    assert text.startswith(parameter.name)
    assert parameter.bounds in text
    assert len(text.splitlines()) == 1
    assert len(text) < 250
    return text


@EACH
def test_a_declaration_is_complete(parameter: Parameter) -> None:
    assert parameter.check(parameter.default) == parameter.default
    if parameter.upstream is not None:
        assert parameter.check(parameter.upstream) == parameter.upstream
    assert parameter.help.endswith((".", "T"))
    assert parameter.title and "_" not in parameter.title
    if parameter.can_be_off:
        assert parameter.check(None) == (None if parameter.can_be_auto else parameter.off)
    if parameter.span:
        assert parameter.low <= parameter.span[0] < parameter.span[1] <= parameter.high
    assert list(parameter.ladder) == sorted(set(parameter.ladder))
    assert all(parameter.check(rung) == rung for rung in parameter.ladder)


def test_names_are_the_fields_and_flags_are_not_doubled() -> None:
    assert [field.name for field in fields(Settings)] == list(PARAMETERS)
    flags = [flag for p in PARAMETERS.values() for flag in (f"--{p.name}", *p.flags)]
    assert len(set(flags)) == len(flags)


@EACH_NUMBER
def test_bounds_are_kept(parameter: Parameter) -> None:
    assert parameter.check(parameter.high) == parameter.high
    nudge: float = 1 if parameter.kind == "int" else 1e-6 * max(parameter.high, 1)
    refused(parameter, parameter.high + nudge)
    if parameter.low_open:
        refused(parameter, parameter.low)
        assert parameter.check(1e-9) == 1e-9
    else:
        assert parameter.check(parameter.low) == parameter.low
    refused(parameter, parameter.low - nudge)


@EACH_NUMBER
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, "1", True, [1], {}, b"", object()])
def test_what_is_no_number_is_refused(parameter: Parameter, wrong: Any) -> None:
    refused(parameter, wrong)


@pytest.mark.parametrize("name", [p.name for p in NUMBERS if p.kind == "int"])
def test_a_whole_number_may_look_like_a_fraction(name: str) -> None:
    parameter = PARAMETERS[name]
    whole = int(max(3, parameter.low))
    assert parameter.check(float(whole)) == whole
    assert type(parameter.check(float(whole))) is int
    refused(parameter, whole + 0.5)


def test_a_fraction_may_look_like_a_whole_number() -> None:
    """The library's processors refuse integers where they want floats."""
    for parameter in NUMBERS:
        if parameter.kind == "float":
            assert type(parameter.check(1 if parameter.high >= 1 else 0)) is float


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("strategy", "no such"), ("strategy", "a\nb"), ("strategy", 3), ("stop_token", 3), ("stop_token", ["a"]),
        ("stop_strings", [""]), ("stop_strings", [1]), ("stop_strings", 4), ("eos_token_id", [-1]),
        ("eos_token_id", [True]), ("eos_token_id", True), ("eos_token_id", "5"), ("eos_token_id", [1.5]),
        ("prefix", b"x"), ("strategy", "x" * 10_000), ("strategy", "\u2028\x1b[31m"),
    ],
)  # fmt: skip
def test_other_wrong_values_are_refused(name: str, wrong: Any) -> None:
    assert "\x1b" not in refused(PARAMETERS[name], wrong)


@given(any_pair())
def test_a_value_reads_back_from_its_text(pair: tuple[Parameter, Any]) -> None:
    parameter, value = pair
    value = parameter.check(value)
    assert parameter.parse(parameter.format(value)) == value


@given(any_pair())
def test_a_value_goes_through_json(pair: tuple[Parameter, Any]) -> None:
    parameter, value = pair
    value = parameter.check(value)
    assert parameter.check(json.loads(json.dumps(value))) == value


@given(st.sampled_from(list(PARAMETERS.values())), st.text())
def test_whatever_is_typed_is_taken_or_refused(parameter: Parameter, typed: str) -> None:
    try:
        value = parameter.parse(typed)
    except SettingError as error:
        assert len(str(error).splitlines()) == 1
        assert str(error).startswith(parameter.name)
    else:
        assert parameter.check(value) == value


@EACH
@pytest.mark.parametrize("typed", ["[" * 100_000, '"' + "[" * 100_000 + '"', "9" * 5000, "1e999", "[1e999]", "nan"])
def test_hostile_text_is_taken_or_refused(parameter: Parameter, typed: str) -> None:
    try:
        value = parameter.parse(typed)
    except SettingError as error:
        assert len(str(error)) < 250
    else:
        assert parameter.kind in ("text", "texts") and value


@EACH
@pytest.mark.parametrize("word", ["off", "OFF", " none ", "null", ""])
def test_words_for_off(parameter: Parameter, word: str) -> None:
    if parameter.can_be_off:
        assert parameter.parse(word) == parameter.off
    elif parameter.kind in ("int", "float", "choice", "ids"):
        with pytest.raises(SettingError):
            parameter.parse(word)


def test_auto_is_not_off() -> None:
    ends = PARAMETERS["eos_token_id"]
    assert (ends.parse("auto"), ends.parse("off"), ends.parse("7"), ends.parse("[7, 8]")) == (None, (), (7,), (7, 8))
    assert (ends.format(None), ends.format(()), ends.format((7,))) == ("auto", "off", "[7]")
    with pytest.raises(SettingError):
        PARAMETERS["top_k"].parse("auto")


def test_texts_are_read_with_and_without_quotes() -> None:
    stop, stops = PARAMETERS["stop_token"], PARAMETERS["stop_strings"]
    assert stop.parse('"\\n\\n"') == "\n\n"
    assert stop.parse('"off"') == "off"
    assert stop.parse("The end") == "The end"
    assert stops.parse('["a", "b"]') == ("a", "b")
    assert stops.parse("The end.") == ("The end.",)
    assert stops.parse("[sic") == ("[sic",)


@given(st.sampled_from(NUMBERS).flatmap(lambda p: st.tuples(st.just(p), values_of(p))), st.sampled_from([-3, -1, 1, 3]))
def test_a_step_keeps_the_bounds_and_its_direction(pair: tuple[Parameter, Any], by: int) -> None:
    parameter, value = pair
    moved = parameter.stepped(value, by)
    assert parameter.check(moved) == moved
    if value is None or value == parameter.off or moved == parameter.off:
        return
    assert moved >= value if by > 0 else moved <= value
    low = parameter.ladder[0] if parameter.ladder else parameter.low + parameter.step * parameter.low_open
    high = parameter.ladder[-1] if parameter.ladder else parameter.high
    if low < value < high:
        assert moved != value


@EACH_NUMBER
def test_steps_reach_from_end_to_end_of_the_span(parameter: Parameter) -> None:
    if parameter.span is None:
        return
    value = parameter.check(parameter.span[1])
    for _ in range(400):
        value = parameter.stepped(value, -1)
    assert value <= max(parameter.span[0], parameter.low + parameter.step * parameter.low_open)
    seen = {value}
    for _ in range(400):
        value = parameter.stepped(value, 1)
        seen.add(value)
    assert value >= parameter.span[1]
    assert parameter.off in seen or not parameter.can_be_off


def test_steps_land_on_round_numbers() -> None:
    temperature, length, strategy = (PARAMETERS[name] for name in ("temperature", "max_new_tokens", "strategy"))
    assert [temperature.stepped(1.0, by) for by in (-2, -1, 1, 2)] == [0.9, 0.95, 1.05, 1.1]
    assert temperature.stepped(0.7300001, 1) == 0.8
    assert temperature.stepped(0.01, -1) == 0.01
    assert (length.stepped(20, 1), length.stepped(20, -1), length.stepped(23, 1), length.stepped(-1, -1)) == (
        30,
        10,
        30,
        -1,
    )
    assert (strategy.stepped("greedy", 1), strategy.stepped("dola", 5)) == ("sample", "constrained-beam")
    assert PARAMETERS["stop_token"].stepped("x", 1) == "x"
    assert PARAMETERS["max_time"].stepped(None, 1) == 1


@given(st.sampled_from(NUMBERS).flatmap(lambda p: st.tuples(st.just(p), values_of(p))))
def test_a_slider_stays_in_its_place(pair: tuple[Parameter, Any]) -> None:
    parameter, value = pair
    place = parameter.position(value)
    if parameter.span is None or value is None:
        assert place is None
    else:
        assert place is not None and 0 <= place <= 1
