"""What of the written text the model no longer sees, as the screen shows it. No widgets here."""

from __future__ import annotations

from typing import NamedTuple

from engine.events import Forgot


class Hidden(NamedTuple):
    """What is out of the model's sight of one sequence: so many tokens, and where they stand in the shown text."""

    tokens: int = 0
    start: int = 0
    end: int = 0


class Sight:
    """Where each sequence stands, by the place where it is shown."""

    def __init__(self) -> None:
        self._hidden: dict[int, Hidden] = {}

    def hear(self, event: Forgot, place: int, before: int) -> None:
        """Take over what a run tells of the sequence that is shown at `place`.

        `before` counts the characters shown before the run's new text, the prompt's among them.
        """
        end = max(0, before + event.until)
        self._hidden[place] = Hidden(event.tokens, min(event.head, end), end) if event.tokens else Hidden()

    def hidden(self, place: int) -> Hidden:
        """What is out of sight of the sequence there."""
        return self._hidden.get(place, Hidden())

    def forget(self, place: int | None = None) -> None:
        """The text is another one: of this sequence, or of all."""
        if place is None:
            self._hidden.clear()
        else:
            self._hidden.pop(place, None)
