"""What a person has said of the branches: their names, and which are out of sight. No widgets here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tui.branches import Branch, Branches, Mark
from tui.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Labels:
    """Names and prunings at one moment. Unchangeable, so that each can be had again."""

    names: Mapping[Mark, str] = field(default_factory=dict)
    hidden: frozenset[Mark] = frozenset()


class Labelled:
    """The branches of a session with what was said of them.

    A name stays with the branch that goes on from what was named; one that was put out of sight and has grown since is
    another text, and to be seen.
    """

    def __init__(self) -> None:
        self.branches = Branches()
        self.labels = Labels()
        self._timeline: Timeline[Labels] = Timeline()

    def name(self, branch: Branch) -> str:
        """Its name, or nothing."""
        names = [name for mark, name in self.labels.names.items() if self.branches.at(*mark) is branch]
        return names[-1] if names else ""

    def is_hidden(self, branch: Branch) -> bool:
        """Whether it is out of sight."""
        return branch.mark in self.labels.hidden

    def shown(self, among: list[Branch], present: Branch | None) -> list[Branch]:
        """Those to be seen; the one that is written on is always."""
        return [branch for branch in among if branch is present or not self.is_hidden(branch)]

    def number(self, present: Branch | None) -> tuple[int, int]:
        """Which of the branches to be seen that is, from 1, and how many there are; (0, 0) where there is none."""
        if present is None:
            return 0, 0
        shown = self.shown(self.branches.of(present.place), present)
        return shown.index(present) + 1, len(shown)

    def rename(self, branch: Branch, name: str) -> list[dict[str, Any]]:
        """Give a name, or with nothing take it; what is to be recorded of it."""
        names = {mark: own for mark, own in self.labels.names.items() if self.branches.at(*mark) is not branch}
        return self._become(replace(self.labels, names=names | ({branch.mark: name} if name else {})))

    def prune(self, branch: Branch, present: Branch | None = None, *, hide: bool = True) -> list[dict[str, Any]]:
        """Put a branch out of sight, and those that part from it but for the present one, or bring them back.

        Gives what is to be recorded.
        """
        among = (one for one in self.branches.of(branch.place) if one is not present)
        marks = {one.mark for one in among if _is_from(one, branch)}
        hidden = self.labels.hidden | marks if hide else self.labels.hidden - marks
        return self._become(replace(self.labels, hidden=hidden))

    def follow(self, what: str, branch: Branch, mark: Mark, name: str) -> None:
        """Take over what a record says of a branch: that it was `named`, `hidden` or `shown`."""
        if what == "named":
            self.rename(branch, name)
        elif what in ("hidden", "shown"):
            hidden = self.labels.hidden
            self._become(replace(self.labels, hidden=hidden | {mark} if what == "hidden" else hidden - {mark}))

    def undo(self) -> list[dict[str, Any]] | None:
        """As the labels were before; None where nothing was said."""
        return self._move(self._timeline.undo(self.labels))

    def redo(self) -> list[dict[str, Any]] | None:
        """Forward again; None where nothing was undone."""
        return self._move(self._timeline.redo(self.labels))

    def _move(self, there: Labels | None) -> list[dict[str, Any]] | None:
        if there is None:
            return None
        before, self.labels = self.labels, there
        return list(_told(before, there))

    def _become(self, labels: Labels) -> list[dict[str, Any]]:
        before = self.labels
        if labels == before:
            return []
        self._timeline.record(before)
        self.labels = labels
        return list(_told(before, labels))


def _is_from(branch: Branch | None, root: Branch) -> bool:
    """Whether a branch is this one or parts from it, by however many between."""
    while branch is not None and branch is not root:
        branch = branch.above
    return branch is root


def _told(before: Labels, after: Labels) -> Iterator[dict[str, Any]]:
    """The fields of the transcript's lines for a change."""
    for mark in {**before.names, **after.names}:
        name = after.names.get(mark, "")
        if name != before.names.get(mark, ""):
            yield fields("named", mark) | {"name": name}
    for what, marks in (("hidden", after.hidden - before.hidden), ("shown", before.hidden - after.hidden)):
        for mark in sorted(marks):
            yield fields(what, mark)


def fields(what: str, mark: Mark) -> dict[str, Any]:
    """The fields that every line about a branch has."""
    return {"what": what, "prompt": mark.place.prompt, "sequence": mark.place.sequence, "text": mark.text}
