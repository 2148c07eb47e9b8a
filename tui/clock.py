"""The times of a run as the read-outs tell them."""

from __future__ import annotations

import time

from engine.events import Event, Token

_STATS_EVERY_S = 0.25


class Clock:
    """The times of one run; waiting in a pause does not count."""

    def __init__(self) -> None:
        self.first_token_s: float | None = None
        self.held = False
        self._start = self._told = time.perf_counter()
        self._first_at = self._held_at = 0.0
        self._tokens = 0

    def hear(self, event: Event) -> None:
        """Count an event."""
        self.held = False
        if isinstance(event, Token):
            self._tokens += 1
            if self.first_token_s is None:
                self._first_at = time.perf_counter()
                self.first_token_s = self._first_at - self._start

    def hold(self) -> None:
        """A pause begins."""
        self.held = True
        self._held_at = time.perf_counter()

    def go_on(self) -> None:
        """A pause ends: what it took is taken off."""
        self._first_at += time.perf_counter() - self._held_at

    def tokens_per_s(self) -> float:
        """New tokens a second since the first, all sequences together; 0 before the second."""
        return (self._tokens - 1) / (time.perf_counter() - self._first_at) if self._tokens > 1 else 0.0

    def is_time(self) -> bool:
        """True a few times a second: when the read-outs are to be told again."""
        now = time.perf_counter()
        due = now - self._told >= _STATS_EVERY_S
        if due:
            self._told = now
        return due
