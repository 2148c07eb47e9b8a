"""Which settings were in force where in a text. No widgets here."""

from __future__ import annotations

from engine.settings import Settings
from tui.differing import differing
from tui.session import Session
from tui.writing import Writing


class InForce:
    """Numbers the settings that the tokens of a sequence obeyed, from 0, in the order in which they come in the text.

    A text that only grew is not looked through again.
    """

    def __init__(self) -> None:
        self.distinct: list[Settings] = []
        self._numbers: dict[int, int] = {}  # by the identity of settings that the text holds
        self._counted = [0, 0]
        self._writing: Writing | None = None
        self._text = (0, 0)

    def catch_up(self, session: Session, sequence: int) -> None:
        """Look through what has come since."""
        if session.writing is not self._writing or (sequence, session.run) != self._text:
            self._writing, self._text = session.writing, (sequence, session.run)
            self.distinct, self._numbers, self._counted = [], {}, [0, 0]
        for place, steps in enumerate(session.stretches(sequence)):
            for number in range(self._counted[place], len(steps)):
                self._count(steps[number].settings)
            self._counted[place] = len(steps)

    def number(self, settings: Settings) -> int:
        """The number of settings that a token of the text obeyed."""
        return self._numbers[id(settings)]

    def _count(self, settings: Settings) -> None:
        if id(settings) in self._numbers:
            return
        place = next((n for n, known in enumerate(self.distinct) if not differing(known, settings)), None)
        if place is None:
            place = len(self.distinct)
            self.distinct.append(settings)
        self._numbers[id(settings)] = place
