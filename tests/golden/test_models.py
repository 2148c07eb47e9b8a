"""What old releases of the library computed with the reference checkpoints: ids, logits, generated ids and texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import engine
from engine import Settings
from engine.detokenizer import detokenizer
from engine.inspection import tokens
from engine.models.loaded import LoadedModel
from engine.runner import CachedRunner, RecomputeRunner, Runner
from engine.settings import PARAMETERS
from tests.models import end, golden_model, ids, play
from tests.paths import GOLDEN, golden_cases, needs_golden

pytestmark = needs_golden
MODELS = ("gpt2", "llama")
TOLERANCE: dict[str, dict[str, Any]] = {"gpt2": {"atol": 1e-4, "rtol": 1e-4}, "llama": {"atol": 5e-4, "rtol": 1e-4}}


def each(kind: str) -> list[Any]:
    """(checkpoint, entry) for each entry of a kind."""
    found = [(name, entry) for name in MODELS for entry in golden_cases(name).get(kind, [])]
    return [pytest.param(*pair, id=f"{pair[0]}-{pair[1].get('id', at)}") for at, pair in enumerate(found)]


def comparable(case: dict[str, Any]) -> bool:
    """Cases whose settings are all there: no beams, no batches, and not several sequences drawn from one stream."""
    named = case["generate_kwargs"].keys()
    if "num_beams" in named:
        return False
    if "sequences" in case and case["generate_kwargs"].get("num_return_sequences", 1) > 1:
        return False
    groups = ("plain", "seeded_sampling", "processors")
    return case["group"] in groups and named <= PARAMETERS.keys() and "config_overrides" not in case


def prompt_of(name: str, case: dict[str, Any]) -> dict[str, Any]:
    return next(prompt for prompt in golden_cases(name)["prompts"] if prompt["id"] == case["prompt_id"])


def settings_of(case: dict[str, Any]) -> Settings:
    return Settings.from_generation_config(case["generate_kwargs"] | {"seed": case.get("seed", 42)})


def joined(model: LoadedModel, token_ids: list[int]) -> str:
    pieces = detokenizer(model.tokenizer)
    return "".join([*map(pieces.push, token_ids), pieces.flush()])


@pytest.mark.parametrize(("name", "prompt"), each("prompts"))
def test_a_prompt_becomes_the_same_ids(name: str, prompt: dict[str, Any]) -> None:
    model = golden_model(name)
    ready = model.family.prepare(model, prompt["prompt"], Settings(prefix=prompt["prefix"]))
    assert ready.text == prompt["preprocessed"]
    assert list(ready.ids) == prompt["input_ids"]
    assert joined(model, prompt["input_ids"]) == prompt["decoded_no_clean"]


@pytest.mark.parametrize(("name", "text"), each("texts"))
def test_a_text_becomes_the_same_ids_and_comes_back(name: str, text: dict[str, Any]) -> None:
    model = golden_model(name)
    assert [token.id for token in tokens(model, text["text"])] == text["input_ids"]
    assert model.tokenizer.decode(text["input_ids"]) == text["decoded_no_clean"]
    assert joined(model, text["input_ids"]) == text["decoded_no_clean"]


@pytest.mark.parametrize("kind", [CachedRunner, RecomputeRunner])
@pytest.mark.parametrize(("name", "prompt"), each("prompts"))
def test_logits_are_those_of_one_plain_pass(name: str, prompt: dict[str, Any], kind: type[Runner]) -> None:
    wanted = np.load(GOLDEN / golden_cases(name)["arrays"])[f"{prompt['id']}.forward"]
    runner = kind(golden_model(name).model)
    given = prompt["input_ids"]
    whole, _ = runner.prefill(given)
    np.testing.assert_allclose(whole[0].numpy(), wanted[-1], **TOLERANCE[name])
    rows = [runner.prefill(given[:1])[0]] if kind is CachedRunner else [runner.prefill(given[:-2])[0]]
    rows += [runner.step(torch.tensor([token])) for token in given[1 if kind is CachedRunner else -2 :]]
    np.testing.assert_allclose(torch.cat(rows).numpy(), wanted[-len(rows) :], **TOLERANCE[name])


@pytest.mark.parametrize(("name", "case"), [p for p in each("cases") if comparable(p.values[1])])
def test_a_case_gives_the_same_tokens(name: str, case: dict[str, Any]) -> None:
    model = golden_model(name)
    model.runner.reset()
    prompt = prompt_of(name, case)
    events = play(model, prompt["input_ids"], settings_of(case))
    assert ids(events) == case["new_ids"][0]
    assert joined(model, case["sequences"][0]) == model.tokenizer.decode(case["sequences"][0])
    if "decoded_clean" in prompt and prompt["decoded_clean"] == prompt["decoded_no_clean"]:
        whole = model.tokenizer.decode(prompt["input_ids"]) + end(events).sequences[0].text
        assert whole in {case["text"][0], model.tokenizer.decode(case["sequences"][0])}


@pytest.mark.parametrize("name", MODELS)
def test_the_first_of_several_is_the_one_that_comes_alone(name: str) -> None:
    """The library draws all rows from one stream; here each has its own, so the reference is its single sequence."""
    case = next(case for case in golden_cases(name)["cases"] if case["id"] == "p0.multinomial")
    settings = settings_of(case).changed(num_return_sequences=3)
    events = play(golden_model(name), prompt_of(name, case)["input_ids"], settings)
    assert ids(events, 0) == case["new_ids"][0]
    assert len({tuple(ids(events, sequence)) for sequence in range(3)}) == 3


@pytest.mark.parametrize("name", MODELS)
def test_the_scores_of_every_step_agree(name: str) -> None:
    case = next(case for case in golden_cases(name)["cases"] if case["id"] == "p0.greedy")
    scores = torch.from_numpy(np.load(GOLDEN / golden_cases(name)["arrays"])[case["scores_npz"]])
    chosen = torch.tensor(case["new_ids"][0])
    wanted = scores.log_softmax(dim=-1).gather(1, chosen[:, None]).squeeze(1)
    found = end(play(golden_model(name), prompt_of(name, case)["input_ids"], settings_of(case))).sequences[0].logprobs
    np.testing.assert_allclose(found, wanted.numpy(), **TOLERANCE[name])


def test_the_reference_cases_are_really_compared() -> None:
    """A filter that lets nothing through would pass unseen."""
    counts = {name: sum(map(comparable, golden_cases(name)["cases"])) for name in MODELS}
    assert counts["gpt2"] >= 40
    assert counts["llama"] >= 20


def test_a_reference_checkpoint_is_of_its_family() -> None:
    assert golden_model("gpt2").family.name == "gpt2"
    assert golden_model("llama").family.name == "auto"
    assert engine.LoadedModel is LoadedModel
