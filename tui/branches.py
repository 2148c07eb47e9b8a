"""The texts that a session ever had, as a tree: which beginnings they share, and where they part. No widgets here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.settings import Settings
from tui.differing import differing
from tui.steps import Step
from tui.writing import Writing, Written


class Place(NamedTuple):
    """Where texts can be branches of one another: a prompt, and the sequence that goes on from it."""

    prompt: str
    sequence: int


class Mark(NamedTuple):
    """A text that a name was given to, or that was put out of sight."""

    place: Place
    text: str


@dataclass(eq=False)
class Branch:
    """A text that no other goes on from, as it stands in the newest state that has all of it.

    It shares its first `parted` characters with the branch that it `left`, the oldest that has so many; the first one
    of a place has left none.
    """

    place: Place
    text: str
    state: Writing = field(repr=False)
    left: Branch | None = field(default=None, repr=False)
    parted: int = 0

    @property
    def above(self) -> Branch | None:
        """The one that it hangs from: the one that it left, where they have anything in common."""
        return self.left if self.parted else None

    @property
    def mark(self) -> Mark:
        """What is written down where it is named or hidden."""
        return Mark(self.place, self.text)

    @property
    def written(self) -> Written:
        """Its sequence."""
        return self.state.sequences[self.place.sequence]

    @property
    def seed(self) -> int:
        """The seed of its stream where it parts."""
        step = self._step(self.parted)
        return step.origin.seed if step else self.written.seed

    @property
    def by_hand(self) -> bool:
        """Whether a person wrote what it begins with where it parts."""
        place = 0
        for kind, text in self.written.pieces:
            place += len(text) if kind != "mark" else 0
            if place > self.parted:
                return kind == "human"
        return False

    def settings(self, at: int) -> Settings | None:
        """The settings that it obeyed at a character, or after it where a person wrote that."""
        step = self._step(at)
        return step.settings if step else self.state.used

    @property
    def differing(self) -> str:
        """In what its settings differ where it parts: from those of the one it left, of the first from the defaults."""
        own = self.settings(self.parted)
        others = self.left.settings(self.parted) if self.left else Settings()
        return differing(others, own) if own and others else ""

    def _step(self, at: int) -> Step | None:
        return next((step for step in self.written.steps if step.end > at), None)


class Branches:
    """The branches of all places, each place's in the order in which they came to be."""

    def __init__(self) -> None:
        self._of: dict[Place, list[Branch]] = {}

    def add(self, writing: Writing) -> None:
        """A state more: each of its texts lies on a branch, lets one grow, or parts from one."""
        for sequence, written in enumerate(writing.sequences):
            self._add(Place(writing.prompt, sequence), written.text, writing)

    def _add(self, place: Place, text: str, state: Writing) -> None:
        known = self._of.setdefault(place, [])
        if not known:
            known.append(Branch(place, text, state))
            return
        nearest, same = known[0], -1
        for branch in known:
            if (found := shared(branch.text, text)) > same:
                nearest, same = branch, found
        if same == len(nearest.text):
            nearest.text, nearest.state = text, state
        elif same < len(text):
            known.append(Branch(place, text, state, nearest, same))

    @property
    def places(self) -> list[Place]:
        """All places, the first first."""
        return list(self._of)

    def of(self, place: Place) -> list[Branch]:
        """The branches of a place, the oldest first."""
        return self._of.get(place, [])

    def at(self, place: Place, text: str) -> Branch | None:
        """The branch on which a text ends; None where there was no such text."""
        return next((branch for branch in self.of(place) if branch.text.startswith(text)), None)


class Twig(NamedTuple):
    """A branch as it is drawn: after the lines that lead to it."""

    stem: str
    branch: Branch


def drawn(branches: list[Branch]) -> Iterator[Twig]:
    """These branches of one place, each below the one that it left; one whose own is not among them hangs higher."""
    below: dict[Branch | None, list[Branch]] = {}
    for branch in branches:
        above = branch.above
        while above is not None and above not in branches:
            above = above.above
        below.setdefault(above, []).append(branch)
    for above, twigs in below.items():
        if above is not None:
            twigs.sort(key=lambda branch: branch.parted)
    roots = below.get(None, [])
    waiting = [(root, "", "") for root in reversed(roots)]
    while waiting:
        branch, stem, further = waiting.pop()
        yield Twig(stem, branch)
        twigs = below.get(branch, [])
        ends = [("├ ", "│ ")] * (len(twigs) - 1) + [("└ ", "  ")] * bool(twigs)
        found = [(twig, further + end, further + on) for twig, (end, on) in zip(twigs, ends, strict=True)]
        waiting += reversed(found)


def shared(one: str, other: str) -> int:
    """How many characters both begin with; long texts are compared in bulk."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
