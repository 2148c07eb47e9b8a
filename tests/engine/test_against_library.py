"""The same tokens as transformers' own generate(), in the same process, at the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine import Settings
from engine.detokenizer import REPLACEMENT
from engine.events import Failed, Token
from engine.models.loaded import LoadedModel
from tests.models import END, GREEDY, PROMPT, SAMPLED, VOCABULARY, by_library, end, golden_model, ids, play, tiny_gpt2
from tests.paths import needs_golden

GREEDILY: dict[str, dict[str, Any]] = {
    "plain": {},
    "penalty": {"repetition_penalty": 1.7},
    "reward": {"repetition_penalty": 0.6},
    "1-gram": {"no_repeat_ngram_size": 1},
    "2-gram": {"no_repeat_ngram_size": 2, "repetition_penalty": 0.8},
    "long": {"max_new_tokens": 58},
}
DRAWN: dict[str, dict[str, Any]] = {
    "plain": {},
    "cold": {"temperature": 0.3},
    "hot": {"temperature": 2.5},
    "top-k 1": {"top_k": 1},
    "top-k": {"top_k": 7},
    "top-k beyond the vocabulary": {"top_k": 5000},
    "top-p": {"top_p": 0.8},
    "top-p 0": {"top_p": 0.0},
    "min-p": {"min_p": 0.1},
    "typical": {"typical_p": 0.5},
    "epsilon": {"epsilon_cutoff": 0.003},
    "eta": {"eta_cutoff": 0.02},
    "penalty": {"repetition_penalty": 1.4},
    "n-gram": {"no_repeat_ngram_size": 1},
    "the script's": {"temperature": 0.7, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.2},
    "all at once": {
        "temperature": 1.3,
        "top_k": 60,
        "top_p": 0.95,
        "min_p": 0.01,
        "typical_p": 0.9,
        "epsilon_cutoff": 0.0005,
        "eta_cutoff": 0.001,
        "repetition_penalty": 1.1,
        "no_repeat_ngram_size": 2,
        "min_new_tokens": 5,
    },
}


def library_options(options: dict[str, Any]) -> dict[str, Any]:
    return {"max_new_tokens": 12, "do_sample": True, "top_k": 0} | options


@pytest.mark.parametrize("name", GREEDILY)
def test_greedy(gpt2: LoadedModel, name: str) -> None:
    options = {"max_new_tokens": 12} | GREEDILY[name]
    assert ids(play(gpt2, settings=GREEDY.changed(**options))) == by_library(gpt2, do_sample=False, **options)


@pytest.mark.parametrize("seed", [0, 4242])
@pytest.mark.parametrize("name", DRAWN)
def test_sampling(gpt2: LoadedModel, name: str, seed: int) -> None:
    settings = SAMPLED.changed(seed=seed, **DRAWN[name])
    assert ids(play(gpt2, settings=settings)) == by_library(gpt2, seed=seed, **library_options(DRAWN[name]))


@needs_golden
@pytest.mark.parametrize("checkpoint", ["gpt2", "llama"])
@pytest.mark.parametrize("name", ["plain", "top-p", "the script's", "all at once"])
def test_sampling_with_the_reference_checkpoints(checkpoint: str, name: str) -> None:
    model = golden_model(checkpoint)
    wanted = by_library(model, seed=11, **library_options(DRAWN[name] | {"max_new_tokens": 30}))
    assert ids(play(model, settings=SAMPLED.changed(seed=11, max_new_tokens=30, **DRAWN[name]))) == wanted


@pytest.mark.filterwarnings("ignore:Using the model-agnostic default")
@pytest.mark.parametrize("options", [{}, {"do_sample": True}, {"do_sample": True, "top_p": 0.7, "max_length": 15}])
def test_a_generation_config_means_what_it_means_there(gpt2: LoadedModel, options: dict[str, Any]) -> None:
    """Absent names have the library's defaults, top-k 50 among them."""
    settings = Settings.from_generation_config({"seed": 3, **options})
    assert ids(play(gpt2, settings=settings)) == by_library(gpt2, seed=3, **options)


@pytest.mark.parametrize("seed", range(6))
def test_drawn_beams(gpt2: LoadedModel, seed: int) -> None:
    """With an end of text that many candidates have: releases differ in which of them may end."""
    options: dict[str, Any] = {"num_beams": 3, "do_sample": True, "max_new_tokens": 8, "temperature": 1.5, "top_k": 12}
    options |= {"eos_token_id": 280, "sequence_bias": [[[280], 6.0]]}
    found = ids(play(gpt2, settings=Settings.from_generation_config(options | {"seed": seed})))
    wanted = by_library(gpt2, seed=seed, **options)
    assert found == wanted[: len(found)] and not any(wanted[len(found) :])


def first_new(tokens: list[int], at: int) -> int:
    """An id that comes at `at` or later and not before."""
    return next(token for place, token in enumerate(tokens) if place >= at and token not in tokens[:place])


def test_an_end_token_ends_the_text(gpt2: LoadedModel) -> None:
    stop = first_new(ids(play(gpt2)), 3)
    events = play(gpt2, settings=GREEDY.changed(eos_token_id=stop))
    assert ids(events) == by_library(gpt2, do_sample=False, max_new_tokens=12, eos_token_id=stop)
    assert ids(events)[-1] == stop
    assert end(events).sequences[0].finish_reason == "eos"


def test_any_of_several_end_tokens_ends_it(gpt2: LoadedModel) -> None:
    plain = ids(play(gpt2))
    stops = [first_new(plain, 5), first_new(plain, 2), END]
    events = play(gpt2, settings=GREEDY.changed(eos_token_id=tuple(stops)))
    assert ids(events) == by_library(gpt2, do_sample=False, max_new_tokens=12, eos_token_id=stops)


@pytest.mark.parametrize("least", [4, 8, 12])
def test_no_end_before_the_least_length(gpt2: LoadedModel, least: int) -> None:
    stop = first_new(ids(play(gpt2)), 2)
    options: dict[str, Any] = {"max_new_tokens": 12, "min_new_tokens": least, "eos_token_id": stop}
    found = ids(play(gpt2, settings=GREEDY.changed(**options)))
    assert found == by_library(gpt2, do_sample=False, **options)
    assert stop not in found[:least]


def test_the_model_s_own_end_counts_unless_switched_off() -> None:
    stop = first_new(ids(play(tiny_gpt2())), 3)
    model = tiny_gpt2(eos_token_id=stop)
    assert model.eos_token_ids == (stop,)
    assert ids(play(model)) == by_library(model, do_sample=False, max_new_tokens=12)
    unending = play(model, settings=GREEDY.changed(eos_token_id=()))
    assert len(ids(unending)) == 12
    assert end(unending).sequences[0].finish_reason == "length"


def test_the_longest_text_fills_the_positions(gpt2: LoadedModel) -> None:
    for length in (-1, 58, 1000):
        assert len(ids(play(gpt2, settings=GREEDY.changed(max_new_tokens=length)))) == 64 - len(PROMPT)


Scores = Callable[[LoadedModel, dict[str, Any], int], list[torch.Tensor]]


@pytest.mark.parametrize("name", DRAWN)
def test_logprobs_are_those_of_the_processed_scores(gpt2: LoadedModel, name: str) -> None:
    options = library_options(DRAWN[name])
    torch.manual_seed(5)
    given = torch.tensor([PROMPT])
    output = gpt2.model.generate(
        given, attention_mask=torch.ones_like(given), pad_token_id=0, output_scores=True, output_logits=True,
        return_dict_in_generate=True, **options
    )  # fmt: skip
    processed = torch.cat(output.scores).log_softmax(dim=-1)
    raw = torch.cat(output.logits).log_softmax(dim=-1)
    events = play(gpt2, settings=SAMPLED.changed(alternatives=4, **DRAWN[name]))
    told = [event for event in events if isinstance(event, Token)]
    assert len(told) == len(processed) > 0
    for step, token in enumerate(told):
        assert token.logprob == pytest.approx(float(processed[step, token.id]), abs=1e-5)
        kept = min(4, int(processed[step].isfinite().sum()))
        assert [other.logprob for other in token.alternatives] == pytest.approx(
            processed[step].topk(kept).values.tolist(), abs=1e-5
        )
        for other in token.alternatives:
            assert other.raw_logprob == pytest.approx(float(raw[step, other.id]), abs=1e-5)
            assert other.text == gpt2.piece(other.id)
    assert end(events).sequences[0].logprobs == tuple(token.logprob for token in told)


def test_text_and_ids_agree(gpt2: LoadedModel) -> None:
    texts = []
    for length in range(1, 40):  # some of these end within a character
        events = play(gpt2, "the old river", SAMPLED.changed(max_new_tokens=length))
        sequence = end(events).sequences[0]
        assert sequence.text == gpt2.tokenizer.decode(sequence.token_ids)
        assert sequence.text == "".join(event.text for event in events if isinstance(event, Token))
        texts.append(sequence.text)
    assert any(text.endswith(REPLACEMENT) for text in texts)


@pytest.mark.parametrize("wrong", [[-1], [VOCABULARY], [2**40]])
def test_ids_outside_the_vocabulary_fail_in_one_line(gpt2: LoadedModel, wrong: list[int]) -> None:
    events = play(gpt2, wrong)
    assert [type(event) for event in events] == [Failed]
    assert isinstance(events[0], Failed) and "\n" not in events[0].error and "token" in events[0].error
