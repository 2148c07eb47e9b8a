"""The same piece of decoding, by the library's own loop and by the engine, as tokens a second and as single steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import torch
from transformers.generation.streamers import BaseStreamer

from engine.controls import Controls
from engine.events import Failed, Token
from engine.generation import generate
from engine.models.loaded import LoadedModel
from engine.settings import Settings

T = TypeVar("T")
PROMPT = "The old keeper of the lighthouse told the children a story."


def settings_for(model: LoadedModel, tokens: int, *, sampled: bool = True, alternatives: int = 0) -> Settings:
    """Settings that both sides obey alike. The end token is one that cannot come, so every run is equally long."""
    chosen: dict[str, Any] = {"temperature": 0.8, "top_k": 50, "top_p": 0.95} if sampled else {}
    return Settings(
        strategy="sample" if sampled else "greedy",
        max_new_tokens=tokens,
        eos_token_id=(model.vocabulary_size,),
        alternatives=alternatives,
        **chosen,
    )


def library_tokens_per_s(model: LoadedModel, ids: Sequence[int], settings: Settings) -> float:
    """New tokens a second of `model.generate()`, prefill included."""
    start = time.perf_counter()
    new = _by_library(model, ids, settings)
    return len(new) / (time.perf_counter() - start)


def library_step_s(model: LoadedModel, ids: Sequence[int], settings: Settings) -> list[float]:
    """Seconds between one new token and the next in `model.generate()`."""
    stamps = _Stamps()
    _by_library(model, ids, settings, streamer=stamps)
    return _gaps(stamps.times[1:])  # the prompt is told first


def engine_tokens_per_s(model: LoadedModel, prompt: str | Sequence[int], settings: Settings) -> float:
    """New tokens a second of `generate()`, prefill included."""
    start = time.perf_counter()
    times = _by_engine(model, prompt, settings)
    return len(times) / (time.perf_counter() - start)


def engine_step_s(
    model: LoadedModel,
    prompt: str | Sequence[int],
    settings: Settings,
    each_step: Callable[[Controls], None] | None = None,
) -> list[float]:
    """Seconds between one new token and the next in `generate()`; `each_step` is done to its controls before each."""
    return _gaps(_by_engine(model, prompt, settings, each_step))


def prompt_ids(model: LoadedModel, length: int) -> list[int]:
    """`length` ids of text, as far as the model's tokenizer goes by its own."""
    ids = model.tokenizer.encode(PROMPT, add_special_tokens=False)
    return (ids * (length // len(ids) + 1))[:length]


def _by_engine(
    model: LoadedModel,
    prompt: str | Sequence[int],
    settings: Settings,
    each_step: Callable[[Controls], None] | None = None,
) -> list[float]:
    """When each token came; every run computes its whole prompt, as the library does."""
    model.runner.reset()
    controls = Controls()
    if each_step:
        each_step(controls)
    times = []
    for event in generate(model, prompt, settings, controls):
        if isinstance(event, Token):
            times.append(time.perf_counter())
            if each_step:
                each_step(controls)
        elif isinstance(event, Failed):
            raise RuntimeError(event.error)
    return _all(times, settings)


def _by_library(
    model: LoadedModel, ids: Sequence[int], settings: Settings, streamer: BaseStreamer | None = None
) -> list[int]:
    torch.manual_seed(settings.seed)
    given = torch.tensor([list(ids)], device=model.device)
    sampled = settings.strategy == "sample"
    names = ("temperature", "top_k", "top_p") if sampled else ()
    output = model.model.generate(
        given,
        attention_mask=torch.ones_like(given),
        do_sample=sampled,
        max_new_tokens=settings.max_new_tokens,
        eos_token_id=model.vocabulary_size,
        pad_token_id=0,
        streamer=streamer,
        **{name: getattr(settings, name) for name in names},
    )
    # As a list: on a GPU the figures are there only then.
    return _all(output[0, len(ids) :].tolist(), settings)


def _all(new: list[T], settings: Settings) -> list[T]:
    if len(new) != settings.max_new_tokens:
        raise RuntimeError(f"{len(new)} new tokens came where {settings.max_new_tokens} were asked for")
    return new


def _gaps(times: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


class _Stamps(BaseStreamer):  # type: ignore[misc]
    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        pass
