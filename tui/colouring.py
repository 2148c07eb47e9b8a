"""Colouring a text by its tokens: the class that each is in, and what the classes mean. No widgets here.

A token is asked for when it is drawn, and the answer comes from its own step: there is nothing that could be another's.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from engine.events import Numbers
from tui.differing import differing
from tui.in_force import InForce
from tui.measures import Measures
from tui.session import Session
from tui.steps import Step

Mode = Literal["", "probability", "surprisal", "entropy", "rank", "settings"]
_NAMED = 16  # settings in the legend: more than a line has room for
LEVELS = 4
"""How many classes are told apart."""


class Shade(NamedTuple):
    """From `start` to before `end` a class, from 0."""

    start: int
    end: int
    level: int


class Part(NamedTuple):
    """A part of the legend, and the class that it is about; None for what is about all."""

    text: str
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Classes of a number that rises from the first to the last; `bounds` are what each but the last holds at most."""

    value: Callable[[Numbers], float]
    bounds: tuple[float, float, float]
    labels: tuple[str, str, str, str]
    shown: Callable[[Numbers], str]

    def level(self, numbers: Numbers) -> int:
        """The class of a token."""
        return bisect_left(self.bounds, self.value(numbers))


def _surprisal(numbers: Numbers) -> float:
    return -numbers.logprob / math.log(2)


SCALES: dict[Mode, Scale] = {
    "probability": Scale(
        lambda numbers: -math.exp(numbers.logprob),
        (-0.5, -0.1, -0.01),
        ("50% or more", "10%", "1%", "less"),
        lambda numbers: f"{100 * math.exp(numbers.logprob):.3g}%",
    ),
    "surprisal": Scale(
        _surprisal,
        (1, 4, 8),
        ("1 bit or less", "4 bits", "8 bits", "more"),
        lambda numbers: f"{_surprisal(numbers):.1f} bits",
    ),
    "entropy": Scale(
        lambda numbers: numbers.entropy,
        (1, 3, 5),
        ("1 bit or less", "3 bits", "5 bits", "more"),
        lambda numbers: f"{numbers.entropy:.1f} bits",
    ),
    "rank": Scale(
        lambda numbers: numbers.rank,
        (1, 10, 100),
        ("the first", "to 10th", "to 100th", "beyond"),
        lambda numbers: f"{numbers.rank:,}",
    ),
}
MODES: tuple[Mode, ...] = ("", *SCALES, "settings")


class Colouring:
    """What a session's tokens are coloured by, and what is known of them for it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.mode: Mode = ""
        self.measures = Measures()
        self.lacking: int | None = None
        """The sequence in which a token was to be drawn whose numbers are not known but may be had."""
        self._in_force = InForce()

    @property
    def measuring(self) -> bool:
        """Whether the mode needs numbers, so that a run is to tell them."""
        return self.mode in SCALES

    def next_mode(self) -> None:
        """The next mode; after the last one there is none."""
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self.lacking = None

    def shades(self, sequence: int, start: int, end: int) -> list[Shade]:
        """The classes of what lies between two characters of a sequence, prompt counted and marks not."""
        before = len(self._session.writing.prompt)
        if self.mode == "settings":
            self._in_force.catch_up(self._session, sequence)
        found = []
        for step in self._session.steps_between(sequence, start - before, end - before):
            level = self._level(step)
            if level is not None:
                found.append(Shade(before + step.start, before + step.end, level))
            elif self.measures.lacks(step):
                self.lacking = sequence
        return found

    def _level(self, step: Step) -> int | None:
        if self.mode == "settings":
            return self._in_force.number(step.settings) % LEVELS
        numbers = self.measures.of(step)
        return None if numbers is None or not self.mode else SCALES[self.mode].level(numbers)

    def legend(self, sequence: int, step: Step | None = None) -> list[Part]:
        """What the classes mean, and first what a token has that is looked at; nothing where the mode is off."""
        if not self.mode:
            return []
        parts = self._classes(sequence)
        if step is None:
            return [Part(self.mode), *parts]
        level = self._level(step)
        numbers = self.measures.of(step)
        if self.mode == "settings":
            here = f"{self._in_force.number(step.settings) + 1}"
        else:
            here = SCALES[self.mode].shown(numbers) if numbers else "not known"
        return [Part(f"{self.mode} here"), Part(here, level), *parts]

    def _classes(self, sequence: int) -> list[Part]:
        if self.mode in SCALES:
            return [Part(label, level) for level, label in enumerate(SCALES[self.mode].labels)]
        self._in_force.catch_up(self._session, sequence)
        first, *others = self._in_force.distinct[:_NAMED] or [self._session.settings]
        names = ["at first", *(differing(first, other) or "as at first" for other in others)]
        return [Part(f"{number + 1} {name}", number % LEVELS) for number, name in enumerate(names)]
