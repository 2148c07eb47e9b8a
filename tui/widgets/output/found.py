"""What a search has found in a sequence, as ranges of positions in its text, marks counted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from tui.widgets.output.wrapping import Piece


class Range(NamedTuple):
    """One place that was found; `here` is the one that is looked at."""

    start: int
    end: int
    here: bool


class Found:
    """All places, asked line by line."""

    def __init__(self, pieces: Sequence[Piece], starts: Sequence[int], length: int, here: int | None) -> None:
        """`starts` count the text without marks, in order; `length` is that of each; `here` is a place in `starts`."""
        after: list[int] = []  # characters of text before each mark
        marked = [0]  # characters of marks up to there
        text = 0
        for piece in pieces:
            if piece.kind == "mark":
                after.append(text)
                marked.append(marked[-1] + len(piece.text))
            else:
                text += len(piece.text)

        def position(place: int) -> int:
            return place + marked[bisect_right(after, place)]

        self._starts = [position(start) for start in starts]
        self._ends = [position(start + length - 1) + 1 for start in starts]
        self._here = here

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Found) and self.__dict__ == other.__dict__

    @property
    def here(self) -> int | None:
        """The position of the place that is looked at."""
        return None if self._here is None else self._starts[self._here]

    def between(self, low: int, high: int) -> tuple[Range, ...]:
        """What lies between two positions, wholly or in part."""
        first, last = bisect_right(self._ends, low), bisect_left(self._starts, high)
        return tuple(
            Range(self._starts[number], self._ends[number], number == self._here) for number in range(first, last)
        )
