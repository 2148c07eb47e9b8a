"""The sequences of one output, and the views of them: what is told once is drawn wherever it is seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from tui.pieces import Kind, Piece
from tui.widgets.output.document import Document


class View(Protocol):
    """Who draws one of the sequences."""

    def begin_anew(self) -> None:
        """All sequences are others than before."""

    def keep_up(self, changed: Sequence[bool] = ()) -> None:
        """Text was added, or, where it is `changed`, taken away."""

    def keep_up_sight(self, sequence: int, before: tuple[int, int]) -> None:
        """The model sees more or less of a sequence than `before`."""


class Texts:
    """At least one document. Several views may share them, each showing another one."""

    def __init__(self) -> None:
        self.documents = [Document()]
        self._views: list[View] = []

    def show_in(self, view: View) -> None:
        """Tell this view too, from now on."""
        self._views.append(view)

    def start(self, prompt: str, sequences: int) -> None:
        """Begin anew, each sequence with the prompt."""
        self.documents = [Document(prompt) for _ in range(max(1, sequences))]
        for view in self._views:
            view.begin_anew()

    def extend(self, items: Iterable[tuple[int, str, Kind]]) -> None:
        """Add a batch of `(sequence, text, kind)` at the ends."""
        for sequence, text, kind in items:
            self.document(sequence).append(text, kind)
        self._keep_up()

    def foretell(self, tails: Sequence[str]) -> None:
        """What may come next, a sequence each, in the place of what was foretold before."""
        for document, tail in zip(self.documents, tails, strict=False):
            document.foretell(tail)
        self._keep_up()

    def show(self, texts: Sequence[Iterable[Piece]]) -> None:
        """Hold these instead, a sequence each."""
        self.documents = [*self.documents, *(Document() for _ in texts)][: max(1, len(texts))]
        changed = [document.become(pieces) for document, pieces in zip(self.documents, texts or [()], strict=True)]
        self._keep_up(changed)

    def become(self, sequence: int, pieces: Iterable[Piece]) -> None:
        """Hold this in one sequence instead."""
        changed = [False] * len(self.documents)
        changed[sequence] = self.document(sequence).become(pieces)
        self._keep_up(changed)

    def hide(self, sequence: int, start: int, end: int) -> None:
        """So much of a sequence is out of the model's sight."""
        document = self.document(sequence)
        before = document.hidden
        document.hide(start, end)
        for view in self._views:
            view.keep_up_sight(sequence, before)

    def document(self, sequence: int) -> Document:
        """One of them. Raises `IndexError`."""
        if not 0 <= sequence < len(self.documents):
            raise IndexError(f"there is no sequence {sequence}; there are {len(self.documents)}")
        return self.documents[sequence]

    def _keep_up(self, changed: Sequence[bool] = ()) -> None:
        for view in self._views:
            view.keep_up(changed)
