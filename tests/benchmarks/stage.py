"""The whole session on a swallowing driver, with a model that is loaded already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from textual.pilot import Pilot

from engine.events import Event, Failed, Finished
from engine.models.loaded import LoadedModel
from engine.session.transcript import Transcript
from engine.settings import Settings
from tests.benchmarks.decoding import PROMPT
from tests.benchmarks.driver import SwallowingDriver
from tests.benchmarks.measure import SCREEN
from tui.app import TextgenApp
from tui.jobs import LoadJob

PATIENCE_S = 60  # a model that is there already takes no time


class TimedTranscript(Transcript):
    """A transcript, written as ever, that knows when a run began and ended.

    The worker tells it all that happens as it happens, so the end is not rounded up to the next drained frame.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.began = self.ended = 0.0
        self.failure: str | None = None

    def run(self, **what: Any) -> None:
        self.began = time.perf_counter()
        super().run(**what)

    def event(self, event: Event) -> None:
        super().event(event)
        if isinstance(event, Failed):
            self.failure = event.error
        if isinstance(event, Finished):
            self.ended = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the last run took; `RuntimeError` where one failed."""
        if self.failure is not None:
            raise RuntimeError(self.failure)
        return self.ended - self.began


def loading(model: LoadedModel) -> Any:
    """While this is entered, the worker is given this model whatever it asks for."""
    return mock.patch("engine.models.load.load", lambda *_, **__: model)


@asynccontextmanager
async def session(
    model: LoadedModel, settings: Settings
) -> AsyncIterator[tuple[TextgenApp, Pilot[None], TimedTranscript]]:
    """The app with the model in it, ready to run the prompt."""
    with TemporaryDirectory() as folder, loading(model):
        transcript = TimedTranscript(Path(folder) / "session.jsonl")
        app = TextgenApp(settings, LoadJob(None), transcript, prompt=PROMPT)
        app.driver_class = SwallowingDriver
        async with app.run_test(headless=False, size=SCREEN) as pilot:
            async with asyncio.timeout(PATIENCE_S):
                while app.session.facts is None:
                    await asyncio.sleep(0.01)
            # The first frames fill caches of styles, which a session pays for once.
            await play(app, pilot, 8)
            try:
                yield app, pilot, transcript
            finally:
                await app.run_action("quit")


async def play(app: TextgenApp, pilot: Pilot[None], tokens: int) -> None:
    """Run the prompt by its key, for so many tokens, to the end."""
    await begin(app, pilot, tokens)
    while app.session.running:
        await asyncio.sleep(0.02)


async def begin(app: TextgenApp, pilot: Pilot[None], tokens: int) -> None:
    """Run the prompt by its key; the run goes on behind the caller's back."""
    app.session.change("max_new_tokens", tokens)
    await pilot.press("ctrl+j")
