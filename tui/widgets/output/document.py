"""What one sequence says: its prompt, what the model wrote, and marks of change. No screen in it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.safe_text import safe_text
from engine.text_counts import TextCount, counted
from tui.widgets.output.wrapping import Kind, Piece, Wrapped


class Document:
    """Text that grows at its end, and its lines at one width.

    Wrapping waits until the lines are asked for, so a document that nobody looks at costs only its text.
    """

    def __init__(self, prompt: str = "") -> None:
        self._pieces: list[Piece] = []
        self._waiting: list[Piece] = []
        self._wrapped: Wrapped | None = None
        self._written = TextCount()
        self.append(prompt, "prompt")

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor a mark."""
        return not self._pieces

    @property
    def generated(self) -> int:
        """Characters that are not the prompt's."""
        return self._written.characters

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
            if kind != "prompt":
                self._written.add(text)

    def mark(self, label: str) -> None:
        """Add a mark at the end. It is drawn, but is no part of the text."""
        # The bars tell it from text where colours cannot.
        self._add(Piece("mark", f"┊{safe_text(label)}┊"))

    def _add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        if self._wrapped is not None:
            self._waiting.append(piece)

    def trim(self, characters: int) -> None:
        """Keep the first `characters` characters of what is not the prompt, and the marks up to there."""
        surplus = self.generated - max(0, characters)
        dropped = 0
        while surplus > 0:
            kind, text = self._pieces.pop()
            taken = len(text) if kind == "mark" else min(len(text), surplus)
            dropped += taken
            if kind == "mark":
                continue
            surplus -= taken
            if taken < len(text):
                self._pieces.append(Piece(kind, text[:-taken]))
        if dropped:
            self._written = counted(self.text(prompt=False))
        if self._wrapped is not None:
            self.wrapped(self._wrapped.limit).cut(dropped)

    def text(self, *, prompt: bool = True) -> str:
        """The raw text, with or without the prompt."""
        left_out = ("mark",) if prompt else ("mark", "prompt")
        return "".join(piece.text for piece in self._pieces if piece.kind not in left_out)

    def wrapped(self, limit: int) -> Wrapped:
        """The lines at a width of `limit` cells. Another width than last time wraps everything once."""
        if self._wrapped is None or self._wrapped.limit != limit:
            self._wrapped = Wrapped(limit)
            self._wrapped.append(self._pieces)
        else:
            self._wrapped.append(self._waiting)
        self._waiting.clear()
        return self._wrapped
