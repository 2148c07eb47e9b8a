"""Reading pace: how long the model rests after a token, so that its text comes as fast as a person reads."""

from __future__ import annotations

CHARACTERS_A_WORD = 6
USUAL = 250.0


class Pace:
    """So many words a minute; 0 rests nowhere.

    The screen sets it and the worker asks it. A model that is slower than the pace is not made to catch up in a rush.
    """

    def __init__(self, words_a_minute: float = 0) -> None:
        self.words_a_minute = words_a_minute
        self._usual = words_a_minute or USUAL
        self._until = 0.0

    def switch(self) -> float:
        """On or off; the words a minute that are in force now."""
        self.words_a_minute = 0 if self.words_a_minute else self._usual
        return self.words_a_minute

    def rest(self, text: str, now: float) -> float:
        """How many seconds to rest after this text, which came at `now`; what is left of earlier rests is in it."""
        if not self.words_a_minute:
            self._until = now
        else:
            self._until = max(self._until, now) + len(text) * 60 / (self.words_a_minute * CHARACTERS_A_WORD)
        return self._until - now
