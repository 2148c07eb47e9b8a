"""What a line of variants says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.presets import BUILT_IN, Shelf
from engine.settings import PARAMETERS, Settings
from engine.variants import MOST, declared, sweep_from, variants_from

SETTINGS = Settings(num_return_sequences=3, seed=7)


def variants(line: str) -> list[tuple[str, str | None, dict[str, object]]]:
    alone = SETTINGS.changed(num_return_sequences=1)
    return [
        (each.name, each.model, {name: new for name, (_, new) in alone.differences(each.settings).items()})
        for each in variants_from(line, SETTINGS, Shelf())
    ]


def test_each_part_is_a_variant_of_one_sequence() -> None:
    assert variants("now | preset=5 | temperature=1.2 k=9 | model=gpt2 preset=greedy") == [
        ("as set now", None, {}),
        ("preset 5 greedy", None, {"strategy": "greedy"}),
        ("temperature 1.2, top-k 9", None, {"temperature": 1.2, "top_k": 9}),
        ("model gpt2, preset 5 greedy", "gpt2", {"strategy": "greedy"}),
    ]
    assert BUILT_IN[5].name == "greedy"


def test_a_bar_in_quotes_parts_nothing() -> None:
    assert [values for _, _, values in variants("stop_token='|' | stop_token=b")] == [
        {"stop_token": "|"},
        {"stop_token": "b"},
    ]


def test_a_range_is_a_variant_for_each_value_and_two_are_a_table() -> None:
    assert [values for _, _, values in variants("temperature=0.2..1.4/0.6 top_k=5,50")] == [
        {"temperature": temperature, "top_k": top_k} for temperature in (0.2, 0.8, 1.4) for top_k in (5, 50)
    ]
    assert sweep_from("top_k=1…5/2") == ["top_k=1", "top_k=3", "top_k=5"]
    assert sweep_from("do_sample") == ["do_sample=off", "do_sample=on"]
    assert sweep_from("temperature=1,1") == ["temperature=1", "temperature=1"]


@pytest.mark.parametrize("name", [name for name, p in PARAMETERS.items() if p.kind in ("int", "float") and p.span])
def test_every_slider_has_a_range_that_is_taken(name: str) -> None:
    parameter = PARAMETERS[name]
    values = declared(parameter)
    assert 2 <= len(values) <= 9 and values == sorted(set(values))
    assert [parameter.check(value) for value in values] == values
    assert [parameter.parse(change.partition("=")[2]) for change in sweep_from(name)] == values


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("now | 'a", "no closing quotation"),
        ("temprature=1", "temperature"),
        ("warm", "no such setting"),
        ("preset=poets", "a digit from 1 to 9"),
        ("temperature=2..1", "from a number up"),
        ("temperature=1..2/0", "more than 0"),
        ("temperature=0..1", "more than 0"),
        ("top_k=1..100/1", f"at most {MOST}"),
        ("temperature=0.1..2.0/0.1 top_k=1,2", f"at most {MOST}"),
        ("seed", "give its values"),
        ("prefix=", "must be name=value"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(line: str, said: str) -> None:
    with pytest.raises(EngineError, match=r"^[^\n]+$") as caught:
        variants(line)
    assert said in str(caught.value)


@given(st.text(max_size=40))
def test_any_line_is_taken_or_refused(line: str) -> None:
    try:
        assert len(variants_from(line, SETTINGS, Shelf())) <= MOST
    except EngineError as error:
        assert "\n" not in str(error)
