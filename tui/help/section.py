"""What a page of the help is made of: headed rows, which can be searched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple


class Row(NamedTuple):
    """A key, or the name of a fact, and what is said of it."""

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading. One that is `whole` is about one thing: a search finds all of it or nothing."""

    heading: str
    rows: tuple[Row, ...]
    whole: bool = False

    def holding(self, words: Iterable[str]) -> Section:
        """The rows in which all the words stand, in any case; the heading counts for each of them."""
        wanted = [word.casefold() for word in words]

        def holds(*rows: Row) -> bool:
            text = " ".join([self.heading, *(f"{row.left} {row.right}" for row in rows)]).casefold()
            return all(word in text for word in wanted)

        if self.whole:
            return self if holds(*self.rows) else replace(self, rows=())
        return replace(self, rows=tuple(row for row in self.rows if holds(row)))
