"""What a run is told while it runs: new settings, pause, step, stop.

Plain attributes and no locks: each is written whole by one side and read by the other, so that a generating thread
and a screen can share one `Controls` without either waiting for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.settings import Settings


class Controls:
    """The live side of one run.

    `schedule` maps an index of a new token (from 0) to changes that take hold there, as a hand on the panel would:
    `Controls(schedule={12: {"temperature": 1.4}})`.
    """

    def __init__(
        self, settings: Settings | None = None, *, schedule: Mapping[int, Mapping[str, Any]] | None = None
    ) -> None:
        self.settings = settings
        self.stopped = False
        self.paused = False
        self._early: dict[str, Any] = {}
        self._steps = 0
        self._schedule = sorted((schedule or {}).items())

    def begin(self, settings: Settings) -> None:
        """Called by `generate` as a run starts: takes its settings, then whatever was changed before the start."""
        self.settings = (self.settings or settings).changed(**self._early)

    def change(self, **names: Any) -> None:
        """Change settings by name; the next token obeys the live ones. Raises `SettingError`."""
        if self.settings is None:
            Settings().changed(**names)
            self._early |= names
        else:
            self.settings = self.settings.changed(**names)

    def pause(self) -> None:
        """Hold the run before its next token."""
        self._steps = 0
        self.paused = True

    def resume(self) -> None:
        """Let a paused run go on."""
        self.paused = False

    def step(self) -> None:
        """Let one more token come, then hold; a running generation is held after its next token."""
        self._steps += 1
        self.paused = True

    def stop(self) -> None:
        """End the run before its next token. This cannot be taken back."""
        self.stopped = True

    def must_stop(self, index: int) -> bool:
        """Whether the run is to end before the new token `index`."""
        return self.stopped

    def is_time_up(self, index: int, seconds: float, most: float | None) -> bool:
        """Whether the new token `index` is the last, since the run has taken so long and may take `most`."""
        return most is not None and seconds >= most

    def wanted(self, index: int) -> Settings:
        """The settings wanted for the new token `index`, with the schedule's changes that are due."""
        while self._schedule and self._schedule[0][0] <= index:
            self.change(**self._schedule.pop(0)[1])
        assert self.settings is not None
        return self.settings

    @property
    def ahead(self) -> list[int]:
        """The indices of scheduled changes that have not come due."""
        return [index for index, _ in self._schedule]

    def must_wait(self) -> bool:
        """True while the run is to be held; one asked-for step is used up by asking."""
        if not self.paused:
            return False
        if self._steps > 0:
            self._steps -= 1
            return False
        return True
