"""A text's tokens one by one, as their runs told them: each can be looked into, and another road begun before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import SettingError
from engine.events import Prepared, Token
from engine.settings import Settings
from engine.settings.names import FORMS


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """The run that tokens came from: what it began from, the seed of its sequence, the draws before it."""

    ready: Prepared
    seed: int
    drawn: int

    @property
    def ids(self) -> tuple[int, ...]:
        """All ids before its first token."""
        return self.ready.ids


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


def own_before(steps: Sequence[Step], number: int) -> Sequence[Step]:
    """The steps of its own run before a step."""
    origin, first = steps[number].origin, number
    while first and steps[first - 1].origin is origin:
        first -= 1
    return steps[first:number]


def form_began(own: Sequence[Step], settings: Settings) -> int:
    """After how many steps of a run the form began that the step after them keeps, under these settings."""
    form = _form(settings)
    parted = (number for number in range(len(own), 0, -1) if _form(own[number - 1].settings) != form)
    return next(parted, 0) if any(form) else 0


def _form(settings: Settings) -> tuple[str, ...]:
    return tuple(getattr(settings, name) for name in FORMS)


def ids_before(steps: Sequence[Step], number: int) -> tuple[int, ...]:
    """All ids before a step, the prompt's too, as the model had seen them."""
    return steps[number].origin.ids + tuple(step.token.id for step in own_before(steps, number))


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
