"""Words typed as text: the tokens that they become, what is told of it, and that they act as their ids do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import Controls, SettingError, Settings
from engine.events import Failed, Noted, Token
from engine.inspection import effect
from engine.models.loaded import LoadedModel
from engine.run_generation import main
from engine.sampling.spelling import Spelling
from engine.settings import PARAMETERS
from tests.models import GREEDY, byte_level_tokenizer, end, golden_model, ids, play, saved, tiny_gpt2
from tests.paths import needs_golden
from tui.widgets.settings_panel.help_line import effect_text

FORCING = Settings(strategy="constrained-beam", num_beams=4, max_new_tokens=12, force_words=("river",))


def ids_of(text: str) -> list[int]:
    return list(byte_level_tokenizer().encode(text))


def notes(events: list[Any]) -> list[tuple[str, str]]:
    return [(event.note.code, event.note.text) for event in events if isinstance(event, Noted)]


def test_a_word_is_both_its_forms_unless_told_otherwise(gpt2: LoadedModel) -> None:
    spelling = Spelling(gpt2)
    bare, spaced = tuple(ids_of("river")), tuple(ids_of(" river"))
    assert bare != spaced
    assert spelling.forms("river") == (bare, spaced)
    assert spelling.forms("=river") == (bare,)
    assert spelling.forms("= river") == spelling.forms(" river") == (spaced,)
    assert spelling.forms("=") == (tuple(ids_of("=")), tuple(ids_of(" =")))
    assert spelling.forms("\ud800") == ()


@pytest.mark.parametrize(
    ("text", "by_ids"),
    [
        ({"bad_words": ("river", "=old")}, {"bad_words_ids": [ids_of("river"), ids_of(" river"), ids_of("old")]}),
        ({"suppress_words": ("=old",)}, {"suppress_tokens": sorted({*ids_of("old")})}),
        ({"word_bias": (("= t", 60.0),)}, {"sequence_bias": [[ids_of(" t"), 60.0]]}),
    ],
    ids=["banned", "shunned", "biased"],
)
def test_they_act_as_their_ids_do(gpt2: LoadedModel, text: dict[str, Any], by_ids: dict[str, Any]) -> None:
    found = ids(play(gpt2, "the old river", GREEDY.changed(**text)))
    assert found == ids(play(gpt2, "the old river", GREEDY.changed(**by_ids)))


def test_a_banned_word_does_not_come(gpt2: LoadedModel) -> None:
    first = ids(play(gpt2))[0]
    word = gpt2.tokenizer.decode([first])
    assert gpt2.tokenizer.encode(word) == [first]
    for setting in ("bad_words", "suppress_words"):
        assert first not in ids(play(gpt2, settings=GREEDY.changed(**{setting: (f"={word}",)})))


def test_what_they_became_is_told_once_and_also_when_they_come_in_the_middle(gpt2: LoadedModel) -> None:
    controls = Controls(schedule={3: {"bad_words": ("old", "the")}, 5: {"temperature": 0.5}})
    events = play(gpt2, settings=GREEDY.changed(bad_words=("old",), temperature=1.0), controls=controls)
    told = [text for code, text in notes(events) if code == "words-as-tokens"]
    assert len(told) == 2
    assert told[0].startswith("bad_words as tokens: old is ") and "␣" in told[0]
    assert told[1].startswith("bad_words as tokens: the is ")
    place = next(n for n, event in enumerate(events) if isinstance(event, Noted) and event.note.text == told[1])
    assert [event.index for event in events[:place] if isinstance(event, Token)] == [0, 1, 2]


def test_the_effect_of_a_setting_says_what_its_words_became(gpt2: LoadedModel) -> None:
    seen = effect(gpt2, "the old", GREEDY.changed(bad_words=("old", "=t")), "bad_words")
    assert seen.words.startswith("old is ") and seen.words.endswith("; =t is t") and "␣" in seen.words
    assert effect_text(seen).startswith(f"{seen.words} · ")
    assert effect(gpt2, "the old", GREEDY.changed(forbid_letters="e"), "forbid_letters").words == ""


def test_a_forced_word_comes_in_one_of_its_forms(gpt2: LoadedModel) -> None:
    events = play(gpt2, settings=FORCING)
    assert "river" in end(events).sequences[0].text
    assert [code for code, _ in notes(events)] == ["words-as-tokens"]
    both = [[ids_of("river"), ids_of(" river")]]
    by_ids = play(gpt2, settings=FORCING.changed(force_words_ids=both, force_words=()))
    assert end(by_ids).sequences[0].token_ids == end(events).sequences[0].token_ids


def test_forced_words_choose_the_strategy() -> None:
    found = Settings.from_generation_config({"force_words": ["river"], "num_beams": 3})
    assert (found.strategy, found.force_words) == ("constrained-beam", ("river",))
    with pytest.raises(SettingError, match="force_words"):
        Settings.from_generation_config({"force_words": ["river"], "num_beams": 3, "do_sample": True})
    with pytest.raises(SettingError, match="no words are forced; give force_words"):
        Settings(strategy="constrained-beam")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("river:+2.5", (("river", 2.5),)),
        ("a:b:-1", (("a:b", -1.0),)),
        ('["river:2", ["old", -3]]', (("river", 2.0), ("old", -3.0))),
        ('{"river": 2}', (("river", 2.0),)),
    ],
)
def test_biases_are_rows_or_pairs(typed: str, value: Any) -> None:
    assert PARAMETERS["word_bias"].parse(typed) == value


@pytest.mark.parametrize("typed", ["river", ":2", "river:much", "river:inf", "[]", '[["", 1]]', "[3]"])
def test_what_is_no_bias_is_refused(typed: str) -> None:
    with pytest.raises(SettingError, match=r"word_bias .*must be word:"):
        PARAMETERS["word_bias"].parse(typed)


def test_the_flags_can_be_given_several_times(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(saved(tiny_gpt2(), tmp_path / "model"))
    words = ["--force_words", "river", "--force-words", '["old"]', "--bad_words", "the", "--bad-words=café"]
    main(["--model_name_or_path", folder, "--prompt", "naïve", "--length", "16", "--num_beams", "6", "--json", *words])
    document = json.loads(capsys.readouterr().out)
    assert document["strategy"] == "constrained-beam"
    text = document["sequences"][0]["continuation"]
    assert "river" in text and "old" in text and "the" not in text
    told = [note["text"] for note in document["notes"]]
    assert any("river is" in line and "old is" in line for line in told)


@needs_golden
@pytest.mark.parametrize("name", ["gpt2", "openai-gpt", "ctrl", "xlnet", "xlm", "transfo-xl"])
def test_every_family_spells_a_word(name: str) -> None:
    """None of a word's forms begins another, whatever the tokenizer makes of a space."""
    model = golden_model(name)
    word = Spelling(model).word("river" if name != "ctrl" else "News")
    assert word and not any(a is not b and a[: len(b)] == b for a in word for b in word)
    assert model.tokenizer.decode(list(word[-1])).strip().lower() in ("river", "news")


@needs_golden
def test_a_word_that_cannot_be_spelled_is_told() -> None:
    model = golden_model("transfo-xl")
    strange = "zzyzx\u0416"
    events = play(model, "The", GREEDY.changed(bad_words=(strange,), max_new_tokens=2))
    assert ("words-unknown", f"bad_words without effect, this model's vocabulary cannot spell it: {strange}.") in notes(
        events
    )
    failed = play(model, "The", FORCING.changed(force_words=(strange,)))[-1]
    assert isinstance(failed, Failed) and "cannot spell it" in failed.error
