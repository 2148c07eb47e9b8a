"""Undo and redo over many steps. No state is ever dropped: what was undone and then left lies further back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

State = TypeVar("State")


class Timeline(Generic[State]):
    """The states before the present one and those after it. The present is with whoever asks."""

    def __init__(self) -> None:
        self._past: list[State] = []
        self._future: list[State] = []

    @property
    def steps(self) -> tuple[int, int]:
        """How many steps lead back, and how many forward."""
        return len(self._past), len(self._future)

    def record(self, state: State) -> None:
        """A state that is being left for a new one.

        States that had been undone would be out of reach after that: they go between it and what lies before it, and
        undoing comes to them as if they had been undone and redone once more.
        """
        if self._future:
            self._past += [state, *reversed(self._future)]
            self._future.clear()
        self._past.append(state)

    def change(self, change: Callable[[State], State]) -> None:
        """Let every state but the present one be what `change` makes of it."""
        self._past = list(map(change, self._past))
        self._future = list(map(change, self._future))

    def undo(self, present: State) -> State | None:
        """The state before the present one; None where there is none."""
        if not self._past:
            return None
        self._future.append(present)
        return self._past.pop()

    def redo(self, present: State) -> State | None:
        """The state that was undone last; None where there is none."""
        if not self._future:
            return None
        self._past.append(present)
        return self._future.pop()
