"""A hand on the app: start it, wait for what should happen, read the screen and the transcript."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.widget import Widget

from engine.events import Note
from engine.session.library import Library
from engine.session.places import Unrecorded
from engine.session.reading import read
from engine.session.transcript import Transcript
from engine.settings import Settings
from tui.app import TextgenApp
from tui.config import Config
from tui.jobs import LoadJob
from tui.screens.transcripts import Choice
from tui.widgets.notes import NotesPane
from tui.widgets.output import OutputView
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.status import StatusLine
from tui.worker import Worker

PATIENCE_S = 60.0
LONG = Settings(max_new_tokens=-1, top_p=1.0, eos_token_id=())
"""A run that is still under way whenever a test gets round to it."""
SHORT = Settings(max_new_tokens=12, top_p=1.0, seed=5, eos_token_id=())

Pane = TypeVar("Pane", bound=Widget)


@dataclass
class Hand:
    """The app under test, and short ways to see and to do things."""

    app: TextgenApp
    pilot: Pilot[None]
    record: Path

    def pane(self, kind: type[Pane]) -> Pane:
        """A pane of the main screen, whatever lies over it."""
        return self.app.screen_stack[0].query_one(kind)

    @property
    def prompt(self) -> PromptPane:
        return self.pane(PromptPane)

    @property
    def output(self) -> OutputView:
        return self.app.main.output

    @property
    def panel(self) -> SettingsPanel:
        return self.pane(SettingsPanel)

    @property
    def notes(self) -> list[Note]:
        return self.pane(NotesPane).notes

    @property
    def stage(self) -> str:
        return self.pane(StatusLine).reading.stage

    @property
    def worker(self) -> Worker:
        return self.app.worker

    @property
    def running(self) -> bool:
        return self.app.session.running

    def note(self, code: str) -> Note | None:
        """The shown note of this code."""
        return next((note for note in self.notes if note.code == code), None)

    def lines(self, *names: str) -> list[dict[str, Any]]:
        """The transcript's events, or those of these names."""
        if not self.record.is_file():
            return []
        return [event for event in read(self.record) if not names or event["event"] in names]

    def runs(self) -> list[list[dict[str, Any]]]:
        """The transcript's events, run by run."""
        runs: list[list[dict[str, Any]]] = []
        for event in self.lines():
            if event["event"] == "run":
                runs.append([])
            runs[-1].append(event)
        return runs

    def screen_lines(self) -> list[str]:
        """The screen as plain text, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    def screen_text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.screen_lines())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, predicate: Callable[[], object], what: str = "") -> None:
        """Wait until it is so. The limit is no measurement: it only ends a test that hangs."""
        end = time.monotonic() + PATIENCE_S
        while not predicate():
            if time.monotonic() > end:
                raise AssertionError(f"never came: {what or predicate}\n{self.screen_text()}")
            await self.pilot.pause(0.01)

    async def settle(self) -> None:
        """Let whatever is under way on the screen's side come to rest, and a few frames be drawn."""
        for _ in range(4):
            await self.pilot.pause(0.04)

    async def loaded(self) -> None:
        await self.until(lambda: self.app.session.facts is not None, "the model")

    async def finished(self) -> None:
        await self.until(lambda: not self.running, "the end of the run")

    async def tokens(self, count: int) -> None:
        """Wait until so many new tokens of the current run are on the screen."""
        await self.until(lambda: self.app.session.new_tokens >= count, f"{count} tokens")

    async def run(self, prompt: str | None = None) -> None:
        """Run to the end."""
        if prompt is not None:
            self.prompt.text = prompt
        await self.press("ctrl+j")
        await self.finished()
        await self.pilot.pause()

    async def change(self, **settings: Any) -> None:
        """Change settings as an edit in the panel does."""
        for name, value in settings.items():
            assert self.panel.propose(name, value)
        await self.pilot.pause()


@asynccontextmanager
async def session(
    record: Path,
    model: Path | str | None,
    settings: Settings = SHORT,
    *,
    size: tuple[int, int] = (120, 36),
    prompt: str = "",
    wait: bool = True,
    config: Config | None = None,
    welcome: bool = False,
    library: Library | None = None,
    opening: Choice | None = None,
    recorded: bool = True,
) -> AsyncIterator[Hand]:
    """The app without a terminal; its worker thread ends with it, whatever happens."""
    name = None if model is None else str(model)
    options: dict[str, Any] = {"prompt": prompt, "config": config, "welcome": welcome, "opening": opening}
    # Not the user's own, in which other tests may have left something.
    options["library"] = library or Library(record.parent / "transcripts")
    transcript = Transcript(record) if recorded else Unrecorded()
    app = TextgenApp(settings, LoadJob(name), transcript, **options)
    async with app.run_test(size=size) as pilot:
        hand = Hand(app, pilot, record)
        try:
            if wait:
                await hand.loaded()
            yield hand
        finally:
            await hand.until(lambda: app.worker._thread.ident, "the worker's thread")  # only then it can be ended
            app.worker.close(PATIENCE_S)


def pieces(output: OutputView, sequence: int = 0) -> list[tuple[str, str]]:
    """(kind, text) of what the output holds, neighbours of one kind as one; marks stay apart."""
    merged: list[tuple[str, str]] = []
    for kind, text in output.texts.documents[sequence]._pieces:
        if merged and merged[-1][0] == kind != "mark":
            text = merged.pop()[1] + text
        merged.append((kind, text))
    return merged


def marks(output: OutputView, sequence: int = 0) -> list[tuple[str, str]]:
    """Each mark with the model's text before it: (text, label)."""
    found, before = [], ""
    for kind, text in pieces(output, sequence):
        if kind == "mark":
            found.append((before, text.strip("┊")))
        elif kind != "prompt":
            before += text
    return found
