"""A form that the new text must keep, under every strategy and from the middle of a run on."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from engine import Controls, SettingError, Settings
from engine.events import Changed, Failed, Noted
from tests.models import end, golden_model, play, tiny_gpt2
from tests.paths import needs_golden

PLAIN = Settings(max_new_tokens=60, top_p=1.0, seed=3)
SENTENCE = r" [A-Z][a-z]{2,6} (was|is) [a-z]{2,5}\."


@pytest.mark.parametrize("strategy", ["sample", "greedy", "beam", "beam-sample", "diverse-beam", "contrastive", "dola"])
def test_the_whole_text_has_the_form_and_ends_where_nothing_can_follow(strategy: str) -> None:
    run = end(play(tiny_gpt2(n_layer=4), "the old", PLAIN.changed(strategy=strategy, form_regex=SENTENCE)))
    [sequence] = run.sequences
    assert re.fullmatch(SENTENCE, sequence.text) and sequence.finish_reason == "stop"


def test_each_of_several_sequences_keeps_it() -> None:
    run = end(play(tiny_gpt2(), "the old", PLAIN.changed(num_return_sequences=4, form_regex=SENTENCE)))
    texts = [sequence.text for sequence in run.sequences]
    assert all(re.fullmatch(SENTENCE, text) for text in texts) and len(set(texts)) > 1


def test_json_by_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 0, "maximum": 99}, "kind": {"enum": ["cat", "dog"]}},
        "required": ["age", "kind"],
        "additionalProperties": False,
    }
    text = end(play(tiny_gpt2(), "the old", PLAIN.changed(form_json_schema=json.dumps(schema)))).sequences[0].text
    read = json.loads(text)
    assert read["kind"] in ("cat", "dog") and 0 <= read["age"] <= 99 and set(read) == {"age", "kind"}


def test_a_grammar() -> None:
    lines = 'start: line line\nline: word " " word "\\n"\nword: /[a-z]{2,4}/'
    text = end(play(tiny_gpt2(), "the old", PLAIN.changed(form_grammar=lines))).sequences[0].text
    assert re.fullmatch(r"([a-z]{2,4} [a-z]{2,4}\n){2}", text)


def test_it_begins_with_the_token_that_obeys_it_and_outlives_other_changes() -> None:
    schedule: dict[int, dict[str, Any]] = {5: {"form_regex": SENTENCE}, 8: {"temperature": 1.5}, 9: {"top_k": 50}}
    events = play(tiny_gpt2(), "the old", PLAIN.changed(eos_token_id=()), Controls(schedule=schedule))
    first = next(event for event in events if isinstance(event, Changed))
    assert (first.at, first.name) == (5, "form_regex")
    text = end(events).sequences[0].text
    assert re.search(SENTENCE + r"\Z", text) and end(events).sequences[0].finish_reason == "stop"


def test_the_likeliest_of_what_is_left_is_what_greedy_takes() -> None:
    """By hand: of the four bytes that are allowed, the one with the highest logit."""
    model = tiny_gpt2()
    settings = Settings(strategy="greedy", max_new_tokens=1, form_regex="[ADMZ]")
    ids = model.tokenizer.encode("the old")
    logits, _ = model.runner.prefill(ids)
    allowed = {letter: float(logits[0, model.tokenizer.encode(letter)[0]]) for letter in "ADMZ"}
    model.runner.reset()
    assert end(play(model, ids, settings)).sequences[0].text == max(allowed, key=allowed.__getitem__)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"form_regex": "(abc"}, "form_regex (abc: "),
        ({"form_json_schema": "{"}, "form_json_schema {: "),
        ({"form_grammar": "start: nothing"}, "nothing"),
        ({"form_regex": "a", "form_grammar": "start: /a/"}, "one form at a time"),
    ],
)
def test_what_is_no_form_is_told_in_a_line(names: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError) as error:
        Settings(**names)  # type: ignore[arg-type]
    assert said in str(error.value) and str(error.value).isprintable()


@needs_golden
@pytest.mark.parametrize("name", ["ctrl", "xlm", "transfo-xl"])
def test_a_tokenizer_that_cannot_be_read_is_told_in_a_line(name: str) -> None:
    settings = PLAIN.changed(form_regex="a+", xlm_language="en" if name == "xlm" else "")
    last = play(golden_model(name), "Books of the old", settings)[-1]
    assert isinstance(last, Failed) and "needs a fast tokenizer" in last.error


def test_a_text_that_is_cut_off_before_it_has_its_form_is_told_of() -> None:
    def codes(length: int) -> list[str]:
        events = play(tiny_gpt2(), "the old", PLAIN.changed(max_new_tokens=length, form_regex="[a-z]{9}( [a-z]{9})*"))
        return [event.note.code for event in events if isinstance(event, Noted)]

    assert codes(2) == ["form-unfinished"]
    assert codes(0) == []


@pytest.mark.parametrize("strategy", ["beam", "beam-sample", "diverse-beam"])
def test_beams_that_have_few_ways_on_stay_in_the_form_and_say_nothing(
    strategy: str, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = PLAIN.changed(strategy=strategy, num_return_sequences=4, form_regex="[ab]c{3}", eos_token_id=())
    texts = [sequence.text for sequence in end(play(tiny_gpt2(), "the old", settings)).sequences]
    assert all(re.fullmatch("[ab]c{3}", text) for text in texts if text) and any(texts)
    assert capfd.readouterr() == ("", ""), "what a library writes would stand on the screen"
