"""What one sequence says: its prompt, what the model wrote, and marks of change. No screen in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from engine.safe_text import safe_text
from engine.text_counts import TextCount, counted
from tui.pieces import Kind, Piece, alike, merged
from tui.widgets.output.out_of_sight import span
from tui.widgets.output.wrapping import Wrapped

TAIL = "‹›"
"""What stands around a tail, so that it is told from text where its dimness and slant cannot be seen."""


class Document:
    """Text that grows at its end, and its lines at one width.

    Wrapping waits until the lines are asked for, so a document that nobody looks at costs only its text.
    """

    def __init__(self, prompt: str = "") -> None:
        self._pieces: list[Piece] = []
        self._waiting: list[Piece] = []
        self._wrapped: Wrapped | None = None
        self._tail = ""
        self._laid_tail: list[Piece] = []
        self.hidden = (0, 0)
        """What is out of the model's sight, between two positions, marks counted."""
        self._written = TextCount()
        self._length = 0
        self._marks: list[tuple[int, int, int]] = []  # where each begins and ends, the characters of marks before it
        self.append(prompt, "prompt")

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor a mark."""
        return not self._pieces and not self._tail

    @property
    def written(self) -> TextCount:
        """Words and characters that are not the prompt's."""
        return self._written

    @property
    def pieces(self) -> Sequence[Piece]:
        """All of it in order, as it came."""
        return self._pieces

    def append(self, text: str, kind: Kind = "model") -> None:
        """Add raw text at the end."""
        if kind == "mark":
            self.mark(text)
        elif text:
            self._add(Piece(kind, text))
            self._tail = self._tail.removeprefix(text) if self._tail.startswith(text) else ""  # it has come, or another
            if kind != "prompt":
                self._written.add(text)

    def mark(self, label: str) -> None:
        """Add a mark at the end. It is drawn, but is no part of the text."""
        self._add(_drawn(Piece("mark", label)))

    def _add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._place(piece)
        if self._wrapped is not None:
            self._waiting.append(piece)

    def _place(self, piece: Piece) -> None:
        start, self._length = self._length, self._length + len(piece.text)
        if piece.kind == "mark":
            marked = start - self.characters(start)
            self._marks.append((start, self._length, marked))

    def characters(self, position: int) -> int:
        """How many characters of text lie before a position, which counts marks too."""
        place = bisect_left(self._marks, position, key=lambda mark: mark[0]) - 1
        if place < 0:
            return position
        start, end, marked = self._marks[place]
        return position - marked - (min(end, position) - start)

    @property
    def tail(self) -> str:
        """What may come next and may yet fall away. It is drawn at the end, and is no part of the text."""
        return self._tail

    def foretell(self, tail: str) -> None:
        """Draw this at the end, in the place of the tail that was there."""
        self._tail = tail

    def become(self, pieces: Iterable[Piece]) -> bool:
        """Hold these pieces instead, marks by their labels; True where that is anything new.

        What they begin with in common with those that were there is not laid out again.
        """
        self._tail = ""
        old, new = list(merged(self._pieces)), list(merged(map(_drawn, pieces)))
        if old == new:
            return False
        if self._wrapped is not None:
            kept, rest = _common(old, new)
            self.wrapped(self._wrapped.limit).cut(sum(len(piece.text) for piece in old) - kept)
            self._waiting = rest
        self._pieces = new
        self._length, self._marks = 0, []
        for piece in new:
            self._place(piece)
        self._written = counted(self.text(prompt=False))
        return True

    def hide(self, start: int, end: int) -> None:
        """The characters `start` to `end` are out of the model's sight, prompt counted and marks not."""
        self.hidden = span(self._pieces, start, end)

    def text(self, *, prompt: bool = True) -> str:
        """The raw text, with or without the prompt."""
        left_out = ("mark",) if prompt else ("mark", "prompt")
        return "".join(piece.text for piece in self._pieces if piece.kind not in left_out)

    def wrapped(self, limit: int) -> Wrapped:
        """The lines at a width of `limit` cells. Another width than last time wraps everything once."""
        tail = [Piece("tail", f"{TAIL[0]}{self._tail}{TAIL[1]}")] if self._tail else []
        if self._wrapped is None or self._wrapped.limit != limit:
            self._wrapped = Wrapped(limit)
            self._wrapped.append([*self._pieces, *tail])
        elif self._waiting or tail != self._laid_tail:
            self._wrapped.cut(sum(len(piece.text) for piece in self._laid_tail))
            self._wrapped.append([*self._waiting, *tail])
        self._waiting.clear()
        self._laid_tail = tail
        return self._wrapped


def _drawn(piece: Piece) -> Piece:
    """A piece as it is laid out: the bars tell a mark from text where colours cannot."""
    return Piece("mark", f"┊{safe_text(piece.text)}┊") if piece.kind == "mark" else piece


def _common(old: list[Piece], new: list[Piece]) -> tuple[int, list[Piece]]:
    """How many characters both begin with, marks counted, and what follows in the new one."""
    same = alike(old, new)
    kept = sum(len(piece.text) for piece in old[:same])
    rest = new[same:]
    if rest and same < len(old) and rest[0].kind == old[same].kind != "mark":
        begun = alike(old[same].text, rest[0].text)
        rest[0] = Piece(rest[0].kind, rest[0].text[begun:])
        kept += begun
    return kept, rest
