"""A download from the hub, in a thread of its own; the screen looks at it when it draws."""

from __future__ import annotations

import threading

from engine.errors import Cancelled, one_line
from engine.events import Progress
from engine.rate import Rate

_NAME = 36  # characters of a name in a line


class Fetching:
    """One repository on its way into the local cache. `called_off` ends it; fetched again it goes on from there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.progress: Progress | None = None
        self.error = ""
        self.running = True
        self.called_off = threading.Event()
        self._rate = Rate()

    @property
    def text(self) -> str:
        """How far it has come, how fast, and how long it will take, for a line."""
        told, name = self.progress, self.name if len(self.name) <= _NAME else f"{self.name[: _NAME - 1]}…"
        if told is None or not told.total:
            return f"fetching {name}"
        return f"fetching {name} · {self._rate.text(told.done, told.total)}"

    @property
    def end(self) -> str:
        """What came of it, for a line; empty while it runs."""
        if self.running:
            return ""
        if self.error:
            return self.error
        return "Stopped; what has come is kept." if self.called_off.is_set() else f"{self.name} is on this machine now."

    def run(self) -> None:
        """Fetch; for a thread."""
        try:
            from engine.models.hub import fetch

            fetch(self.name, self._report)
        except Cancelled:
            self.called_off.set()
        except Exception as error:
            self.error = one_line(error)
        self.running = False

    def _report(self, progress: Progress) -> None:
        if self.called_off.is_set():
            raise Cancelled
        if progress.total:
            self._rate.tell(progress.done)
        self.progress = progress
