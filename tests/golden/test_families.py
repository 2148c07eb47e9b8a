"""The older families against what old releases computed: ids, logits, memories, generated ids, decoded texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import engine
from engine import LoadError, Settings
from engine.detokenizer import detokenizer
from engine.families.xlm import languages
from engine.inspection import tokens
from engine.models.loaded import LoadedModel
from engine.runner import CachedRunner, RecomputeRunner
from engine.runner.xlnet import XLNetRunner
from engine.settings import PARAMETERS
from tests.models import by_library, end, golden_model, ids, play
from tests.paths import GOLDEN, golden_cases, needs_golden

pytestmark = needs_golden
MODELS = ("openai-gpt", "ctrl", "xlnet", "xlm", "xlm-noncausal")
CLOSE: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-4}


def each(kind: str) -> list[Any]:
    """(checkpoint, entry) for each entry of a kind."""
    found = [(name, entry) for name in MODELS for entry in golden_cases(name).get(kind, [])]
    return [pytest.param(*pair, id=f"{pair[0]}-{pair[1].get('id', at)}") for at, pair in enumerate(found)]


def comparable(case: dict[str, Any]) -> bool:
    """Cases of one sequence at a time, without beams."""
    named = case["generate_kwargs"].keys()
    if "num_beams" in named:
        return False
    return case["group"] in ("plain", "seeded_sampling") and named <= PARAMETERS.keys() and "error" not in case


def settings_of(entry: dict[str, Any], prefix: str = "") -> Settings:
    more = {"xlm_language": entry.get("xlm_language", ""), "prefix": prefix, "seed": entry.get("seed", 42)}
    return Settings.from_generation_config(entry.get("generate_kwargs", {}) | more)


def prompt_of(name: str, case: dict[str, Any]) -> dict[str, Any]:
    return next(prompt for prompt in golden_cases(name)["prompts"] if prompt["id"] == case["prompt_id"])


def joined(model: LoadedModel, token_ids: list[int], before: list[int] | None = None) -> str:
    pieces = detokenizer(model.tokenizer, before or ())
    return "".join([*map(pieces.push, token_ids), pieces.flush()])


def ready(name: str, entry: dict[str, Any]) -> LoadedModel:
    """The model, its runner empty and its language set as the entry wants."""
    model = golden_model(name)
    model.runner.reset()
    model.family.set_up(model, settings_of(entry))
    return model


@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_is_of_its_family(name: str) -> None:
    model = golden_model(name)
    assert model.family.name == golden_cases(name)["family"]
    assert model.positions == (None if name == "xlnet" else 128)
    assert model.eos_token_ids == ((2,) if name == "xlnet" else ())
    assert engine.load(model.source, family=model.family.name, device="cpu").family is model.family
    kinds = {"xlnet": XLNetRunner, "xlm-noncausal": RecomputeRunner}
    assert isinstance(model.runner, kinds.get(name, CachedRunner))


@pytest.mark.parametrize(("name", "prompt"), each("prompts"))
def test_a_prompt_becomes_the_same_ids_and_comes_back(name: str, prompt: dict[str, Any]) -> None:
    model = golden_model(name)
    found = model.family.prepare(model, prompt["prompt"], settings_of(prompt, prompt["prefix"]))
    assert found.text == prompt["preprocessed"]
    assert list(found.ids) == prompt["input_ids"]
    assert joined(model, prompt["input_ids"]) == prompt["decoded_clean"]
    warned = "ctrl-no-control-code" in {note.code for note in found.notes}
    assert warned == (not prompt.get("starts_with_control_code", True))


@pytest.mark.parametrize(("name", "text"), each("texts"))
def test_a_text_becomes_the_same_ids_and_comes_back(name: str, text: dict[str, Any]) -> None:
    model = golden_model(name)
    assert [token.id for token in tokens(model, text["text"])] == text["input_ids"]
    assert joined(model, text["input_ids"]) == text["decoded_clean"]
    assert model.tokenizer.decode(text["input_ids"], clean_up_tokenization_spaces=False) == text["decoded_no_clean"]


@pytest.mark.parametrize(("name", "prompt"), each("prompts"))
def test_the_first_logits_are_the_same(name: str, prompt: dict[str, Any]) -> None:
    arrays = np.load(GOLDEN / golden_cases(name)["arrays"])
    runner = ready(name, prompt).runner
    first = f"{prompt['id']}.first_step" if "xl" in name else f"{prompt['id']}.forward"
    found, _ = runner.prefill(prompt["input_ids"], 2)
    for row in found.numpy():
        np.testing.assert_allclose(row, arrays[first][-1], **CLOSE)
    for layer, memory in enumerate(getattr(runner, "_memory", None) or ()):
        if f"{first}.mems{layer}" in arrays:
            np.testing.assert_allclose(memory[:, :1].numpy(), arrays[f"{first}.mems{layer}"], **CLOSE)


@pytest.mark.parametrize(("name", "case"), [p for p in each("cases") if comparable(p.values[1])])
def test_a_case_gives_the_same_tokens(name: str, case: dict[str, Any]) -> None:
    """By ids, by text, with the memory that a case asks for, and beside other rows."""
    model = ready(name, case)
    overrides = case.get("config_overrides", {})
    if overrides:
        model = engine.load(model.source, device="cpu")
        for key, value in overrides.items():
            setattr(model.model.config, key, value)
            setattr(model.model.transformer, key, value)
    prompt = prompt_of(name, case) if "batch_input_ids" not in case else {}
    for row, given in enumerate(case.get("batch_input_ids", [prompt.get("input_ids")])):
        events = play(model, given, settings_of(case))
        assert ids(events) == case["new_ids"][row]
        assert joined(model, case["sequences"][row]) == case["text"][row]
        text = joined(model, given).removesuffix("@@") + end(events).sequences[0].text
        assert text == case["text"][row]
        told = "".join(event.text for event in events if isinstance(event, engine.events.Token))
        assert told == end(events).sequences[0].text
    if prompt:
        events = play(model, prompt["prompt"], settings_of(case, prompt["prefix"]))
        assert ids(events) == case["new_ids"][0]


@pytest.mark.parametrize("name", MODELS)
def test_the_library_gives_the_same(name: str) -> None:
    """Where it can still be asked: its own ids, greedy and drawn."""
    case = next(case for case in golden_cases(name)["cases"] if case["id"] == "p1.greedy")
    given = prompt_of(name, case)["input_ids"]
    model = ready(name, case)
    for options in ({"do_sample": False}, {"do_sample": True, "top_k": 7, "temperature": 1.3}):
        settings = Settings.from_generation_config(options | {"max_new_tokens": 30, "seed": 3, "xlm_language": "en"})
        assert ids(play(model, given, settings)) == by_library(model, given, 3, max_new_tokens=30, **options)


@pytest.mark.parametrize("name", ["xlnet", "xlm", "xlm-noncausal"])
def test_the_scores_of_every_step_agree(name: str) -> None:
    case = next(case for case in golden_cases(name)["cases"] if case["id"] == "p0.greedy")
    scores = torch.from_numpy(np.load(GOLDEN / golden_cases(name)["arrays"])[case["scores_npz"]])
    wanted = scores.log_softmax(dim=-1).gather(1, torch.tensor(case["new_ids"][0])[:, None]).squeeze(1)
    found = end(play(ready(name, case), prompt_of(name, case)["input_ids"], settings_of(case))).sequences[0].logprobs
    np.testing.assert_allclose(found, wanted.numpy(), **CLOSE)


def test_a_language_makes_a_difference() -> None:
    for name in ("xlm", "xlm-noncausal"):
        model = golden_model(name)
        assert languages(model) == {"en": 0, "fr": 1}
        texts = [ids(play(model, "The old", Settings(strategy="greedy", xlm_language=x))) for x in ("en", "FR", "en")]
        assert texts[0] == texts[2] != texts[1]


def test_the_reference_cases_are_really_compared() -> None:
    """A filter that lets nothing through would pass unseen."""
    assert all(sum(map(comparable, golden_cases(name)["cases"])) >= 24 for name in MODELS)


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("weights_os_system_legacy", "system: refused, nothing was run"),
        ("truncated_legacy_bin", "broken or cut short"),
        ("truncated_safetensors", "broken or cut short"),
    ],
)
def test_hostile_and_broken_weights_are_refused(
    folder: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LoadError, match=said) as error:
        engine.load(str(GOLDEN / "security" / folder), device="cpu")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
