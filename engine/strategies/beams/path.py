"""What a beam is made of: new tokens, each linked to the one before, so that beams share what they have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.events import Alternative, FinishReason
from engine.strategies.beams.constraints import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One new token. `depth` counts the new tokens up to it, itself included."""

    before: Node | None
    id: int
    logprob: float
    alternatives: tuple[Alternative, ...] = ()
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Path:
    """A beam: its last new token (None before the first), and the sum of its processed log-probabilities.

    `reason` is set once it is finished; `progress` is how far it has come with the words that are forced.
    """

    node: Node | None
    total: float
    reason: FinishReason | None = None
    progress: Progress | None = None

    @property
    def length(self) -> int:
        """New tokens."""
        return self.node.depth if self.node else 0

    @property
    def complete(self) -> bool:
        """True where no forced word is still to come."""
        return self.progress is None or self.progress.complete

    def score(self, length_penalty: float) -> float:
        """The sum over the length to the power of the penalty (Wu et al. 2016 in the library's simpler form)."""
        return self.total / max(self.length, 1) ** length_penalty


def since(node: Node | None, settled: Node | None) -> list[Node]:
    """The nodes of a path after `settled`, in their order."""
    found = []
    while node is not settled and node is not None:
        found.append(node)
        node = node.before
    return found[::-1]


def meeting(nodes: Iterable[Node | None]) -> Node | None:
    """The last node that all these paths have in common."""
    tips = list(nodes)
    lowest = min(tip.depth if tip else 0 for tip in tips)
    tips = [_at_depth(tip, lowest) for tip in tips]
    while any(tip is not tips[0] for tip in tips):
        tips = [tip.before if tip else None for tip in tips]
    return tips[0]


def _at_depth(node: Node | None, depth: int) -> Node | None:
    while node is not None and node.depth > depth:
        node = node.before
    return node
