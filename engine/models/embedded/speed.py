"""How soon a model is there and how fast it writes, on one processor thread, as the program loads and runs it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

import engine
from engine.errors import EngineError
from engine.events import Failed, Token

_TOKENS = 150
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Speed:
    """In processor time, which other work on the machine changes little; the best of several rounds."""

    load_seconds: float
    """From a folder to a model that is ready, once the code of the libraries is imported."""
    tokens_per_second: float


def speed(folder: Path) -> Speed:
    """Measure a checkpoint. Raises `EngineError` if it cannot be loaded or run."""
    with one_thread():
        loading, writing = zip(*(_round(str(folder.resolve())) for _ in range(_ROUNDS)), strict=True)
    return Speed(round(min(loading), 3), round(1 / min(writing), 1))


def _round(folder: str) -> tuple[float, float]:
    """Seconds to load, and seconds a token."""
    start = time.process_time()
    model = engine.load(folder, device="cpu", dtype="float32")
    ready = time.process_time()
    never = (model.vocabulary_size,)  # an end that cannot come: every round is equally long
    length = min(_TOKENS, (model.positions or _TOKENS) // 2)
    tokens = 0
    for event in engine.generate(model, [0], engine.Settings(max_new_tokens=length, eos_token_id=never)):
        if isinstance(event, Failed):
            raise EngineError(event.error)
        tokens += isinstance(event, Token)
    return ready - start, (time.process_time() - ready) / tokens


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes with one thread: sums are added up in the same order on every machine of a kind."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
