"""The older families: what a prompt becomes, what is noted and refused, where a run ends, how they load."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import torch

import engine
from engine import LoadError, PromptError, Settings
from engine.events import Failed, Note, Prepared
from engine.families import FAMILIES
from engine.families.ctrl import control_codes, nearest_codes
from engine.families.padding_text import PADDING_TEXT
from engine.families.xlm import languages
from engine.generation import prepared
from engine.inspection import next_token
from engine.models.loaded import LoadedModel
from tests.models import end, golden_model, ids, play
from tests.paths import GOLDEN, needs_golden

COOL = Settings(temperature=0.5, max_new_tokens=5)


def notes(name: str, prompt: str | list[int], settings: Settings = COOL) -> dict[str, Note]:
    return {note.code: note for note in prepared(golden_model(name), prompt, settings).notes}


def test_the_families_are_those_of_the_old_script() -> None:
    assert set(FAMILIES) >= {"gpt2", "openai-gpt", "ctrl", "xlnet", "xlm", "auto"}
    assert list(FAMILIES)[-1] == "auto"


# What a prompt becomes, and what is said about it.


@needs_golden
def test_ctrl_says_what_suits_it() -> None:
    assert notes("ctrl", "Books The old") == {}
    assert notes("ctrl", "Books The old", COOL.changed(temperature=0.7)) == {}
    assert notes("ctrl", "Books The old", COOL.changed(temperature=0.71)).keys() == {"ctrl-temperature"}
    for prompt, near in {"books The old": "Books", "Sciense of": "Science", "Newz": "News", "…": ""}.items():
        note = notes("ctrl", prompt)["ctrl-no-control-code"]
        assert note.level == "warning"
        assert near in note.text


@needs_golden
def test_ctrl_offers_codes_that_its_vocabulary_has() -> None:
    model = golden_model("ctrl")
    assert {"Books", "News", "Science", "India"} <= set(control_codes(model))
    assert not {"Links", "Wikipedia", "Horror"} & set(control_codes(model))
    assert nearest_codes(model, "indian")[0] == "India"
    assert notes("ctrl", "Links to")["ctrl-no-control-code"].text.startswith("“Links” is no control code")


@needs_golden
@pytest.mark.parametrize(("name", "prompt"), [("ctrl", "Books The old"), ("xlm", "The old")])
def test_a_prefix_that_is_left_out_is_noted(name: str, prompt: str) -> None:
    settings = COOL.changed(prefix="Once upon ", xlm_language="en")
    ready = prepared(golden_model(name), prompt, settings)
    assert ready.text == prompt
    assert "prefix-ignored" in {note.code for note in ready.notes}


@needs_golden
def test_openai_gpt_takes_a_prefix() -> None:
    ready = prepared(golden_model("openai-gpt"), "river", COOL.changed(prefix="The old "))
    assert (ready.text, ready.notes) == ("The old river", ())


@needs_golden
def test_xlnet_gets_a_padding_text_and_does_not_show_it() -> None:
    model = golden_model("xlnet")
    ready = prepared(model, "The river", COOL)
    (note,) = ready.notes
    cost = len(model.tokenizer.encode(PADDING_TEXT, add_special_tokens=False))
    assert (note.level, note.code) == ("info", "padding-text")
    assert f" {cost} tokens" in note.text
    assert ready.text == PADDING_TEXT + "The river"
    assert 100 <= len(PADDING_TEXT.split()) <= 200 and PADDING_TEXT.endswith("<eod> </s> <eos>")
    assert "Vale" not in end(play(model, "The river", COOL)).sequences[0].text
    own = prepared(model, "The river", COOL.changed(prefix="Short: "))
    assert (own.text, own.notes) == ("Short: The river", ())


@needs_golden
@pytest.mark.parametrize("name", ["xlm", "xlm-noncausal"])
def test_xlm_wants_a_language(name: str) -> None:
    model = golden_model(name)
    for wrong in ("", " ", "de", "e\nn"):
        with pytest.raises(PromptError, match="must be one of en, fr") as error:
            prepared(model, "The old", COOL.changed(xlm_language=wrong))
        assert "\n" not in str(error.value)
    (failed,) = play(model, "The old", COOL)
    assert isinstance(failed, Failed) and "must be one of en, fr" in failed.error
    found = notes(name, "The old", COOL.changed(xlm_language=" FR "))
    assert "The language is fr" in found["xlm-language"].text
    assert model.model.config.lang_id == 1
    assert ("no-cache" in found) == (name == "xlm-noncausal")
    assert "The language is en" in notes(name, [7, 8])["xlm-language"].text
    assert model.model.config.lang_id == 0


@needs_golden
def test_an_xlm_model_without_languages_needs_none() -> None:
    model = copy.copy(golden_model("xlm"))
    model.model = copy.copy(model.model)
    model.model.config = copy.deepcopy(model.model.config)
    model.model.config.use_lang_emb = False
    assert languages(model) == {}
    assert prepared(model, "The old", COOL).notes == ()
    model.model.config.use_lang_emb = True
    model.model.config.lang2id = {"en": 0, "fr": "one", "xx": 17}
    assert languages(model) == {"en": 0}
    model.tokenizer = copy.copy(model.tokenizer)
    model.model.config.lang2id = model.tokenizer.lang2id = None
    assert languages(model) == {"0": 0, "1": 1}


@needs_golden
@pytest.mark.parametrize("name", ["openai-gpt", "ctrl", "xlm"])
def test_an_empty_prompt_has_nothing_to_start_from(name: str) -> None:
    try:
        ready: Prepared | None = prepared(golden_model(name), "", COOL.changed(xlm_language="en"))
    except PromptError as error:
        assert "type something" in str(error)
        ready = None
    assert (ready is not None) == (name == "xlm")  # XLM has a start of text


# Lengths.


@needs_golden
@pytest.mark.parametrize("name", ["openai-gpt", "ctrl", "xlm", "xlm-noncausal"])
@pytest.mark.parametrize("length", [500, -1])
def test_a_run_ends_where_the_positions_do(name: str, length: int) -> None:
    settings = Settings(strategy="greedy", max_new_tokens=length, eos_token_id=(), xlm_language="en")
    events = play(golden_model(name), [30] * 120, settings)
    assert len(ids(events)) == 8
    assert end(events).sequences[0].finish_reason == "length"
    clipped = [note for event in events if isinstance(event, Prepared) for note in event.notes]
    assert ("length-clipped" in {note.code for note in clipped}) == (length == 500)


@needs_golden
def test_a_full_xlm_prompt_has_no_room_for_the_mask() -> None:
    for name in ("xlm", "xlm-noncausal"):
        model = golden_model(name)
        assert ids(play(model, [30] * 128, COOL)) == []
        with pytest.raises(PromptError, match="needs one for its mask"):
            model.runner.prefill([30] * 128)
        assert len(ids(play(model, [30] * 127, COOL))) == 1


@needs_golden
def test_xlnet_has_no_limit() -> None:
    assert len(ids(play(golden_model("xlnet"), [30, 40], COOL.changed(max_new_tokens=150, eos_token_id=())))) == 150


@needs_golden
def test_the_next_token_can_be_looked_at() -> None:
    for name in ("openai-gpt", "ctrl", "xlnet", "xlm"):
        table = next_token(golden_model(name), "Books", COOL.changed(xlm_language="en"))
        assert len(table.candidates) == 12


# Loading.


@needs_golden
@pytest.mark.parametrize(("name", "family"), [("xlm", "ctrl"), ("openai-gpt", "gpt2"), ("xlnet", "xlm")])
def test_a_family_that_does_not_fit_is_refused(name: str, family: str) -> None:
    with pytest.raises(LoadError, match=rf"model type {family}: this checkpoint is of type {name}"):
        engine.load(str(GOLDEN / "checkpoints" / name), family=family)


@needs_golden
def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sacremoses", None)
    with pytest.raises(LoadError, match="sacremoses") as error:
        engine.load(str(GOLDEN / "checkpoints" / "xlm"), device="cpu")
    assert "\n" not in str(error.value)


@needs_golden
@pytest.mark.parametrize(
    ("name", "broken"),
    [("xlnet", "spiece.model"), ("ctrl", "vocab.json"), ("xlm", "vocab.json"), ("openai-gpt", "vocab.json")],
)
def test_a_broken_vocabulary_is_one_line(name: str, broken: str, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "checkpoints" / name, tmp_path / "x")
    for content in (b"\x00\xff[", None):
        (tmp_path / "x" / broken).unlink() if content is None else (tmp_path / "x" / broken).write_bytes(content)
        with pytest.raises(LoadError) as error:
            engine.load(str(tmp_path / "x"), device="cpu")
        assert "\n" not in str(error.value)


@needs_golden
@pytest.mark.parametrize("name", ["openai-gpt", "ctrl", "xlnet", "xlm"])
def test_weights_that_are_not_there_are_told(name: str, tmp_path: Path) -> None:
    model = engine.load(str(GOLDEN / "checkpoints" / name), device="cpu").model
    kept = {key: value for key, value in model.state_dict().items() if ".2." not in key}
    model.save_pretrained(tmp_path, state_dict=kept)
    for file in (GOLDEN / "checkpoints" / name).iterdir():
        if file.suffix in {".txt", ".model"} or file.stem in {"vocab", "tokenizer_config"}:
            shutil.copy(file, tmp_path)
    with pytest.raises(LoadError, match="the weights do not fit the config"):
        engine.load(str(tmp_path), device="cpu")


@needs_golden
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["openai-gpt", "ctrl", "xlnet", "xlm", "xlm-noncausal"])
def test_half_precision_runs(name: str, dtype: str) -> None:
    half = engine.load(str(GOLDEN / "checkpoints" / name), device="cpu", dtype=dtype)
    assert {str(weight.dtype) for weight in half.model.parameters()} == {f"torch.{dtype}"}
    found, wanted = (model.runner.prefill(range(6, 20))[0][0] for model in (half, golden_model(name)))
    assert torch.corrcoef(torch.stack([found, wanted]))[0, 1] > 0.7
    assert half.runner.step(torch.tensor([9])).isfinite().all()


@needs_golden
def test_a_run_goes_on_where_it_stopped() -> None:
    """Families whose past is kept word for word; XLNet sees a prompt both ways, so what follows may differ there."""
    for name in ("openai-gpt", "ctrl", "xlm", "xlm-noncausal"):
        model: LoadedModel = golden_model(name)
        settings = Settings(max_new_tokens=12, top_p=1.0, xlm_language="en", eos_token_id=())
        wanted = ids(play(model, [30, 31, 32], settings))
        first = ids(play(model, [30, 31, 32], settings.changed(max_new_tokens=5)))
        rest = play(model, [30, 31, 32, *first], settings.changed(max_new_tokens=7), drawn=5)
        assert first + ids(rest) == wanted
