"""How a model goes on from an opening, for samples and for the comparison of base and tuned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from engine.errors import EngineError
from engine.events import Failed, Finished
from engine.generation import generate
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

SAMPLE_TOKENS = 48
COMPARED_TOKENS = 72
TEMPERATURE = 0.8


def written(model: LoadedModel, prompt: str, seed: int, tokens: int = COMPARED_TOKENS) -> str:
    """The model's continuation of `prompt`, drawn with this seed. Raises `EngineError`.

    What is drawn here leaves the random numbers of a training under way as they are.
    """
    model.runner.reset()  # the weights may be others than those that its cache was computed by
    with torch.random.fork_rng(_cuda(model)), _as_for_use(model.model):
        *_, end = generate(model, prompt, Settings(seed=seed, temperature=TEMPERATURE, max_new_tokens=tokens))
    model.runner.reset()
    if isinstance(end, Failed):
        raise EngineError(end.error)
    assert isinstance(end, Finished)
    sequence = end.sequences[0]
    ended = sequence.finish_reason == "eos" and sequence.token_ids
    return sequence.text.removesuffix(model.piece(sequence.token_ids[-1])) if ended else sequence.text


def _cuda(model: LoadedModel) -> list[int]:
    return [model.device.index or 0] if model.device.type == "cuda" else []


@contextmanager
def _as_for_use(model: Any) -> Iterator[None]:
    """Without dropout and with a cache, which training has the other way round."""
    training, use_cache = model.training, getattr(model.config, "use_cache", None)
    model.eval()
    if use_cache is not None:
        model.config.use_cache = True
    try:
        yield
    finally:
        model.train(training)
        if use_cache is not None:
            model.config.use_cache = use_cache
