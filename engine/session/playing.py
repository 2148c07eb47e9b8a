"""A record played from the file alone: each event when it came, or at another pace."""

from __future__ import annotations

from collections.abc import Iterator

from engine.events import Event, Token
from engine.session.record import RecordedRun

LONGEST_S = 2.0
"""A pause is no longer than this when it is played."""
_USUAL_S = 0.05  # between tokens of a record that has no times


def played(run: RecordedRun, speed: float = 1.0, longest_s: float = LONGEST_S) -> Iterator[tuple[float, Event]]:
    """Each event of a run, and the seconds to wait before it; `speed` 2 is twice as fast, 0 waits for nothing."""
    last: float | None = None
    index = -1
    for event, seconds in run.events():
        wait = 0.0
        if isinstance(event, Token):
            new_step, index = event.index > index, max(index, event.index)
            usual = _USUAL_S if new_step else 0.0
            wait = usual if seconds is None or last is None else seconds - last
            last = seconds
        yield (min(max(wait, 0.0), longest_s) / speed if speed > 0 else 0.0), event
