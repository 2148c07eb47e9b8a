"""Runners of the older families: what they keep equals what the library computes from nothing, in float64."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from transformers import (
    OpenAIGPTConfig,
    OpenAIGPTLMHeadModel,
    PreTrainedModel,
    XLMConfig,
    XLMWithLMHeadModel,
    XLNetConfig,
    XLNetLMHeadModel,
)

from engine.errors import EngineError
from engine.releases import CACHE
from engine.runner import CachedRunner, Runner, runner_for
from tests.models import tiny_gpt2, xlnet_pass

VOCABULARY = 60


def tiny(kind: str, memory: int | None = None) -> PreTrainedModel:
    size: dict[str, Any] = {"vocab_size": VOCABULARY}
    with torch.random.fork_rng():
        torch.manual_seed(4)
        if kind == "openai-gpt":
            config = OpenAIGPTConfig(n_positions=48, n_embd=16, n_layer=2, n_head=2, initializer_range=0.5, **size)
            model: PreTrainedModel = OpenAIGPTLMHeadModel(config)
        elif kind == "xlnet":
            sizes = {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32, "mem_len": memory}
            model = XLNetLMHeadModel(XLNetConfig(initializer_range=0.3, **sizes, **size))
        else:
            sizes = {"emb_dim": 16, "n_layers": 2, "n_heads": 2, "n_langs": 3, "max_position_embeddings": 48}
            more = {"embed_init_std": 0.5, "init_std": 0.5, "causal": kind == "xlm", "lang_id": 2}
            model = XLMWithLMHeadModel(XLMConfig(**sizes, **more, **size))
    return model.eval().double()


@contextmanager
def in_float64(model: PreTrainedModel) -> Iterator[None]:
    """XLNet's own table of positions is float32, so the library cannot run it in float64 by itself."""
    transformer = model.transformer
    table = transformer.relative_positional_encoding
    transformer.relative_positional_encoding = lambda *args, **options: table(*args, **options).double()
    yield
    del transformer.relative_positional_encoding


@torch.inference_mode()
def from_nothing(kind: str, model: PreTrainedModel, row: list[int], first: int) -> torch.Tensor:
    """The logits after a row by the library's own passes, the first of them over `first` ids where that matters."""
    if kind == "openai-gpt":
        return model(input_ids=torch.tensor([row])).logits[0, -1].float()
    if kind == "xlnet":
        memory = None
        with in_float64(model):
            for length in range(first, len(row) + 1):
                output = xlnet_pass(model, torch.tensor([row[:length]]), memory)
                memory = output.mems
        return output.logits[0, -1].float()
    length = torch.tensor([len(row) + 1])
    return model(**model.prepare_inputs_for_generation(torch.tensor([row]), lengths=length)).logits[0, -1].float()


@pytest.mark.parametrize(
    ("kind", "memory"),
    [("openai-gpt", None), ("xlm", None), ("xlm-noncausal", None), ("xlnet", None), ("xlnet", 6), ("xlnet", 0)],
)
def test_a_runner_s_walk_equals_the_library(kind: str, memory: int | None) -> None:
    """Steps, forks, ways back and new prompts in any order."""
    model, draw = tiny(kind, memory), random.Random(5)
    runner = runner_for(model)
    assert isinstance(runner, Runner)
    for _ in range(6):
        prompt = [draw.randrange(VOCABULARY) for _ in range(draw.randint(1, 7))]
        first, rows = len(prompt), [list(prompt)] * 2
        logits, _ = runner.prefill(prompt, 2)
        for _ in range(12):
            assert runner.ids.tolist() == rows
            for row, found in zip(rows, logits, strict=True):
                torch.testing.assert_close(found, from_nothing(kind, model, row, first), atol=2e-5, rtol=1e-5)
            if draw.random() < 0.3:
                chosen = [draw.randrange(len(rows)) for _ in range(draw.randint(1, 3))]
                runner.fork(chosen)
                rows = [rows[i] for i in chosen]
            if draw.random() < 0.3:
                length = draw.randint(0 if kind != "xlnet" else 1, len(rows[0]))
                runner.rewind(length)
                rows, first = [row[:length] for row in rows], min(first, length)
            new = [draw.randrange(VOCABULARY) for _ in rows]
            logits = runner.step(torch.tensor(new))
            rows = [[*row, token] for row, token in zip(rows, new, strict=True)]


@pytest.mark.parametrize("kind", ["openai-gpt", "xlm"])
def test_a_cache_that_the_library_lacks_makes_a_step_one_token_wide(kind: str) -> None:
    runner = runner_for(tiny(kind))
    runner.prefill([5, 6, 7, 8], 2)
    shape = runner.cache_shape()
    assert shape is not None and (shape.layers, shape.rows, shape.tokens) == (2, 2, 4)
    _, reused = runner.prefill([5, 6, 7, 8, 9])
    assert reused == 4


def test_the_library_s_model_is_as_it_was_after_a_pass() -> None:
    for kind in ("openai-gpt", "xlnet"):
        model = tiny(kind).float()
        before = {name: dict(vars(part)) for name, part in model.named_modules()}
        runner_for(model).prefill([1, 2, 3])
        assert {name: vars(part).keys() for name, part in model.named_modules()} == {
            name: kept.keys() for name, kept in before.items()
        }


def test_another_language_is_another_cache() -> None:
    model = tiny("xlm")
    runner = runner_for(model)
    first, _ = runner.prefill([5, 6, 7])
    model.config.lang_id = 0
    second, reused = runner.prefill([5, 6, 7])
    assert reused == 0
    assert not torch.allclose(first, second)
    torch.testing.assert_close(second[0], from_nothing("xlm", model, [5, 6, 7], 3), atol=2e-5, rtol=1e-5)


def test_a_padding_id_does_not_blot_out_the_mask() -> None:
    """The library counts it out of the text's length, and the logits would be the head's bias alone."""
    for kind in ("xlm", "xlm-noncausal"):
        runner = runner_for(tiny(kind))
        found = [runner.prefill([5, 2, token])[0] for token in (7, 8)]
        assert not torch.allclose(*found)


@pytest.mark.parametrize(("kind", "name"), [("xlnet", "mems"), ("xlm", "cache"), ("gpt2", CACHE)])
def test_what_is_passed_over_in_silence_is_an_error(kind: str, name: str) -> None:
    """As a release would do that calls a memory otherwise: its passes take any name."""
    model = tiny_gpt2().model if kind == "gpt2" else tiny(kind, 6)
    forward = model.forward
    model.forward = lambda **given: forward(**{key: value for key, value in given.items() if key != name})
    runner = CachedRunner(model) if kind == "gpt2" else runner_for(model)
    with pytest.raises(EngineError, match=r"^transformers [\w.]+ does not take up the (memory|cache) "):
        runner.prefill([5, 6, 7])
        runner.step(torch.tensor([8]))
    assert runner.length == 0
