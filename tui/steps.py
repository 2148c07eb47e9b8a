"""A text's tokens one by one, as their runs told them: each can be looked into, and another road begun before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import SettingError
from engine.events import Token
from engine.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """The run that tokens came from: all ids before its first token, the seed of its sequence, the draws before it."""

    ids: tuple[int, ...]
    seed: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Step:
    """A token, where it begins in the text that follows the prompt, and how it came.

    `drawn` draws of its random stream lie before it; `settings` are those that it obeyed.
    """

    token: Token
    start: int
    origin: Origin
    drawn: int
    settings: Settings

    @property
    def end(self) -> int:
        """Where it ends; a token that is only a part of a character has no length."""
        return self.start + len(self.token.text)


def written_before(steps: Sequence[Step], number: int) -> tuple[int, ...]:
    """The new ids of its own run before a step."""
    origin, first = steps[number].origin, number
    while first and steps[first - 1].origin is origin:
        first -= 1
    return tuple(step.token.id for step in steps[first:number])


def ids_before(steps: Sequence[Step], number: int) -> tuple[int, ...]:
    """All ids before a step, the prompt's too, as the model had seen them."""
    return steps[number].origin.ids + written_before(steps, number)


def step_at(steps: Sequence[Step], character: int) -> int | None:
    """The step that wrote the character at this place of the text; None where none did."""
    found = (number for number, step in enumerate(steps) if step.start <= character < step.end)
    return next(found, None)


@dataclass
class Stepping:
    """The steps of a run under way, in one sequence: `length` characters of text are there before them."""

    origin: Origin
    settings: Settings
    length: int
    steps: list[Step] = field(default_factory=list)
    _drawn: int = 0
    _moved: dict[str, Any] = field(default_factory=dict)

    def move(self, name: str, value: object) -> None:
        """The next token obeys this. Several changes of one step are taken together: alone one might be refused."""
        self._moved[name] = value

    def add(self, token: Token) -> None:
        """A token more."""
        if self._moved:
            self.settings, self._moved = _changed(self.settings, self._moved), {}
        self.steps.append(Step(token, self.length, self.origin, self.origin.drawn + self._drawn, self.settings))
        self._drawn += self.settings.draws
        self.length += len(token.text)


def _changed(settings: Settings, values: Mapping[str, Any]) -> Settings:
    try:
        return settings.changed(**values)
    except SettingError:  # it is an old record, of a program that took them
        return settings
