"""Reading pace: how much of what the worker has written the screen may show in a frame."""

from __future__ import annotations

CHARACTERS_A_WORD = 6
USUAL = 250.0
_SLACK_S = 0.25


class Pace:
    """Lets text through so many words a minute; 0 lets everything through.

    It hands out credit by the clock that it is told, and holds none back from a moment in which nothing came: a slow
    model's next tokens do not come in a rush.
    """

    def __init__(self, words_a_minute: float = 0) -> None:
        self.words_a_minute = words_a_minute
        self._usual = words_a_minute or USUAL
        self._credit = 0.0
        self._at = 0.0

    def switch(self) -> float:
        """On or off; the words a minute that are in force now."""
        self.words_a_minute = 0 if self.words_a_minute else self._usual
        return self.words_a_minute

    def frame(self, now: float) -> None:
        """A frame begins at this time, in seconds."""
        a_second = self.words_a_minute * CHARACTERS_A_WORD / 60
        most = max(a_second * _SLACK_S, 1.0)
        self._credit = min(self._credit + (now - self._at) * a_second, most)
        self._at = now

    def lets(self, text: str) -> bool:
        """Whether this text may be shown now; if so it is counted."""
        if not self.words_a_minute:
            return True
        if self._credit <= 0:
            return False
        self._credit -= len(text)
        return True
