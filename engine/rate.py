"""How fast a piece of work goes, and how long it will take: for bars that are drawn while it goes on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from engine.quantities import bytes_text

_WINDOW_S = 10.0  # what is longer ago says little of how fast it goes now


class Rate:
    """Told how much is done, says how fast that grew lately. What was done before the first word is no speed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: deque[tuple[float, int]] = deque()

    def tell(self, done: int) -> None:
        """So much is done by now; less than before means that it began anew."""
        now = self._clock()
        if self._told and done < self._told[-1][1]:
            self._told.clear()
        self._told.append((now, done))
        while len(self._told) > 2 and now - self._told[1][0] > _WINDOW_S:
            self._told.popleft()

    @property
    def per_second(self) -> float:
        """The speed of late; 0 where nothing is known of it."""
        if len(self._told) < 2:
            return 0.0
        (since, before), (now, done) = self._told[0], self._told[-1]
        return (done - before) / (now - since) if now > since else 0.0

    def left(self, total: int) -> float | None:
        """Seconds until `total` is done, if it goes on as of late; None where that cannot be told."""
        speed = self.per_second
        return (total - self._told[-1][1]) / speed if speed > 0 and total else None

    def text(self, done: int, total: int) -> str:
        """How far bytes have come, how fast, and how long it will take: `5 MB of 10 MB · 2 MB/s · 3 s left`."""
        left = self.left(total)
        told = "" if left is None else f" · {bytes_text(round(self.per_second))}/s · {duration_text(left)} left"
        return f"{bytes_text(done)} of {bytes_text(total)}{told}"


def duration_text(seconds: float) -> str:
    """A time that is left, as people say it: `40 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
