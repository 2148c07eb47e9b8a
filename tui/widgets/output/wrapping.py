"""Greedy word wrap that grows at its end: appending wraps the last line again, and no other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from tui.pieces import Kind as Kind
from tui.pieces import Piece as Piece
from tui.pieces import merged
from tui.widgets.output.cells import Cluster, clusters
from tui.widgets.output.units import Unit, units


class Line(NamedTuple):
    """One line on the screen, with all of its raw text: also the newline, and spaces beyond the edge."""

    start: int
    """Where the line begins, in characters from the beginning of the text, marks counted."""
    runs: tuple[Piece, ...]

    @property
    def length(self) -> int:
        """Characters in the line, marks counted."""
        return sum(len(run.text) for run in self.runs)


class _Breaker:
    """Decides where lines end. Places are counted in characters."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._cells = 0  # taken on the open line
        self.ends: list[int] = []

    def _end(self, place: int) -> None:
        self.ends.append(place)
        self._cells = 0

    def newline(self, end: int) -> None:
        self._end(end)

    def spaces(self, start: int, end: int, each: int) -> None:
        """Spaces hang over the edge, unseen, but no further than a line's width: a line stays bounded."""
        for place in range(start, end):
            if self._cells and self._cells + each > 2 * self._limit:
                self._end(place)
            self._cells += each

    def word(self, start: int, cells: int, text: str) -> None:
        """A word goes to the next line if it does not fit, and is broken if it fits on none."""
        if self._cells and self._cells + cells > self._limit:
            self._end(start)
        if cells <= self._limit:
            self._cells += cells
            return
        for cluster in clusters(text):
            if self._cells and self._cells + cluster.cells > self._limit:
                self._end(start)
            self._cells += cluster.cells
            start += cluster.raw


def _line_ends(pieces: Iterable[Piece], limit: int) -> list[int]:
    """Where each line ends, in characters. The last entry ends the line that is still open."""
    breaker = _Breaker(limit)
    base = 0
    for text, is_mark in _stretches(pieces):
        start = 0
        for end, cells, role in [_mark_unit(text)] if is_mark else units(text):
            if role == "newline":
                breaker.newline(base + end)
            elif role == "space":
                breaker.spaces(base + start, base + end, cells // (end - start))
            else:
                breaker.word(base + start, cells, text[start:end])
            start = end
        base += len(text)
    return [*breaker.ends, base]


def _mark_unit(text: str) -> Unit:
    return Unit(len(text), sum(cluster.cells for cluster in clusters(text)), "word")


def _stretches(pieces: Iterable[Piece]) -> Iterator[tuple[str, bool]]:
    """Texts of any kind run together, so that an accent finds its letter; each mark for itself."""
    for is_mark, group in groupby(pieces, key=lambda piece: piece.kind == "mark"):
        if is_mark:
            for piece in group:
                yield piece.text, True
        else:
            yield "".join(piece.text for piece in group), False


def wrap(pieces: Iterable[Piece], limit: int, start: int = 0) -> list[Line]:
    """Lines of at most `limit` cells, at least one; the first begins at character `start`.

    A mark's text is here what is drawn of it.
    """
    whole = list(merged(pieces))
    lines: list[Line] = []
    index = offset = begin = 0  # the piece, the place in it, the place in the whole
    for end in _line_ends(whole, limit):
        runs: list[Piece] = []
        need = end - begin
        while need:
            kind, text = whole[index]
            part = text[offset : offset + need]
            runs.append(Piece(kind, part))
            need -= len(part)
            offset += len(part)
            if offset == len(text):
                index, offset = index + 1, 0
        lines.append(Line(start + begin, tuple(runs)))
        begin = end
    return lines


def line_clusters(line: Line) -> Iterator[tuple[Kind, Cluster]]:
    """The clusters of a line in order. A cluster has the kind of its first character."""
    index, left = 0, len(line.runs[0].text) if line.runs else 0
    for text, _ in _stretches(line.runs):
        for cluster in clusters(text):
            while not left:
                index += 1
                left = len(line.runs[index].text)
            yield line.runs[index].kind, cluster
            taken = cluster.raw
            while taken > left:
                taken -= left
                index += 1
                left = len(line.runs[index].text)
            left -= taken


class Wrapped:
    """Text wrapped to a width. Always has a last line, which is open: more text goes on there."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Cells a line may take."""
        self.lines: list[Line] = [Line(0, ())]
        self.dirty = 0
        """First line that changed since the reader of this field last set it to `len(lines)`."""
        self.measured = 0
        """Characters measured so far, a count of the work done."""

    def append(self, pieces: Sequence[Piece]) -> None:
        """Add pieces at the end. What stands before the last line is never looked at."""
        if pieces:
            self._rewrap_from(len(self.lines) - 1, pieces)

    def cut(self, characters: int) -> None:
        """Take `characters` off the end, marks counted."""
        if characters <= 0:
            return
        while len(self.lines) > 1 and self.lines[-1].length <= characters:
            characters -= self.lines.pop().length
        start, runs = self.lines[-1]
        kept = list(runs)
        while characters and kept:
            kind, text = kept.pop()
            if len(text) > characters:
                kept.append(Piece(kind, text[:-characters]))
            characters -= min(characters, len(text))
        self.lines[-1] = Line(start, tuple(kept))
        # A word that became shorter may fit on the line above, so that one is wrapped again as well.
        self._rewrap_from(max(0, len(self.lines) - 2), ())

    def _rewrap_from(self, index: int, more: Sequence[Piece]) -> None:
        tail = self.lines[index:]
        pieces = [run for line in tail for run in line.runs]
        pieces.extend(more)
        self.measured += sum(len(piece.text) for piece in pieces)
        self.lines[index:] = wrap(pieces, self.limit, tail[0].start)
        self.dirty = min(self.dirty, index)

    @property
    def length(self) -> int:
        """Characters in all, marks counted."""
        last = self.lines[-1]
        return last.start + last.length

    def line_at(self, position: int) -> int:
        """Index of the line that holds the character at `position`."""
        return max(0, bisect_right(self.lines, position, key=lambda line: line.start) - 1)

    def position(self, start: int, shown: int) -> int:
        """The position `shown` drawn characters after `start`: between clusters, at most the line's end."""
        line = self.lines[self.line_at(start)]
        position = line.start
        for _, cluster in line_clusters(line):
            if position >= start:
                if shown <= 0 or not cluster.shown:
                    break
                shown -= len(cluster.shown)
            position += cluster.raw
        return position

    def text_between(self, start: int, end: int) -> str:
        """The raw text between two positions, without marks, tail and the breaks of wrapping."""
        parts: list[str] = []
        for index in range(self.line_at(start), len(self.lines)):
            position, runs = self.lines[index]
            if position >= end:
                break
            for kind, text in runs:
                if kind not in ("mark", "tail"):
                    parts.append(text[max(0, start - position) : max(0, end - position)])
                position += len(text)
        return "".join(parts)
