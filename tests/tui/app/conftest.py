"""What the tests of the app share: tiny models' folders, a place for the transcript, an unhurried model."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.runner.cached import CachedRunner
from tests.models import saved, tiny_gpt2


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 whose positions last for any run that a test lets go on."""
    return saved(tiny_gpt2(n_positions=8192), tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 of 64 positions."""
    return saved(tiny_gpt2(), tmp_path_factory.mktemp("small"))


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Where the transcript goes."""
    return tmp_path / "session.jsonl"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model would write thousands of tokens before a key is heard; this one leaves the screen time."""
    step = CachedRunner.step

    def slow_step(self: CachedRunner, ids: Any) -> Any:
        time.sleep(0.002)
        return step(self, ids)

    monkeypatch.setattr(CachedRunner, "step", slow_step)


@pytest.fixture(autouse=True)
def unwaiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's pilot waits for an idle process after each key, which a process with a model in it never is."""

    async def a_moment(*_: float) -> None:
        await asyncio.sleep(0.01)

    monkeypatch.setattr("textual.app.wait_for_idle", a_moment)
    monkeypatch.setattr("textual.pilot.wait_for_idle", a_moment)


class Gate:
    """A load that waits until the test lets it through."""

    def __init__(self) -> None:
        self.open = threading.Event()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Loads wait at this gate; it opens by itself when the test ends."""
    from engine.models import load as loading

    real, gate = loading.load, Gate()

    def held_load(*args: Any, **options: Any) -> Any:
        gate.open.wait()
        return real(*args, **options)

    monkeypatch.setattr(loading, "load", held_load)
    yield gate
    gate.open.set()
