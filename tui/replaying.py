"""Playing a record: which of its moments are due, at its own pace or another. No widgets here, and no clock."""

from __future__ import annotations

from collections.abc import Iterator

from engine.events import Token
from engine.session.record import Record
from engine.settings import Settings
from tui.restoring import Moment, Restoring, moments
from tui.session import Session

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
LONGEST_WAIT_S = 1.5
"""Nobody waits for longer: where nothing was told for minutes, the session was left alone."""
_BETWEEN_S = 0.6
_TOKEN_S = 0.05
"""A token's time where the record does not say when it came."""


class Player:
    """Follows a record step by step. `held` waits, `ended` is at the end; `end` is how far it has come, in bytes."""

    def __init__(self, record: Record, settings: Settings, speed: float = 1.0) -> None:
        """`speed` 0 is to the end at once."""
        self.record = record
        self.restoring = Restoring(Session(settings), list(record.trouble))
        self.held = False
        self.ended = False
        self.end = 0
        self._size = max(record.path.stat().st_size, 1)
        self._speed = min(range(len(SPEEDS)), key=lambda place: abs(SPEEDS[place] - speed))
        self._to_end = speed <= 0
        self._moments = moments(record)
        self._next: Moment | None = None
        self._seconds: float | None = None
        """When the last token came, by the run's own clock."""
        self._saved_s = 0.0
        self._advance()

    @property
    def session(self) -> Session:
        """What it has come to."""
        return self.restoring.session

    @property
    def speed(self) -> float:
        """How many times as fast as it was; infinite on the way to the end."""
        return float("inf") if self._to_end else SPEEDS[self._speed]

    @property
    def share(self) -> float:
        """How much of the record lies behind, from 0 to 1."""
        return 1.0 if self.ended else min(self.end / self._size, 1.0)

    def quicken(self, by: int) -> None:
        """To the next speed, faster or slower."""
        self._to_end = False
        self._speed = max(0, min(self._speed + by, len(SPEEDS) - 1))

    def to_end(self) -> None:
        """All that is left, as fast as it can be shown."""
        self._to_end, self.held = True, False

    def due(self, passed_s: float) -> Iterator[Moment]:
        """The moments whose time has come, now that so many seconds have passed. Whoever has enough may stop asking:
        what is left comes the next time.
        """
        if self.held:
            return
        # What could not be shown in time is not made up for in a rush.
        self._saved_s = min(self._saved_s, LONGEST_WAIT_S) + passed_s * (1.0 if self._to_end else self.speed)
        while self._next is not None and not self.held:
            wait = 0.0 if self._to_end else self._wait(self._next)
            if wait > self._saved_s:
                return
            self._saved_s -= wait
            yield self._taken(self._next)

    def step(self) -> Iterator[Moment]:
        """What comes up to the next token, or up to what was done next by hand; then it is held."""
        self.held, self._saved_s = True, 0.0
        while self._next is not None:
            moment = self._next
            yield self._taken(moment)
            if isinstance(moment.event, Token) or (moment.run is None and moment.event is None):
                return

    def _taken(self, moment: Moment) -> Moment:
        if moment.run is not None:
            self._seconds = 0.0
        elif isinstance(moment.event, Token):
            self._seconds = _seconds(moment)
        self.end = moment.end
        self._advance()
        return moment

    def _advance(self) -> None:
        self._next = next(self._moments, None)
        self.ended = self._next is None

    def _wait(self, moment: Moment) -> float:
        if isinstance(moment.event, Token):
            now = _seconds(moment)
            if now is None or self._seconds is None:
                return _TOKEN_S
            return max(0.0, min(now - self._seconds, LONGEST_WAIT_S))
        beside = moment.run is not None or moment.event is None
        return _BETWEEN_S if beside and self.end else 0.0


def _seconds(moment: Moment) -> float | None:
    seconds = moment.line.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else None
