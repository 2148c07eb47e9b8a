"""What a run tells of the filters in force: how much of the vocabulary they leave, once for each change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.events import Event, Note, Noted
from engine.sampling.filters import Filtering, WordFilter


@dataclass
class FilterNotes:
    """One run's."""

    filtering: Filtering
    _told: WordFilter | None = None

    def told(self) -> Iterator[Event]:
        """Tells of the present filters, where they were not told of before."""
        now = self.filtering.current
        if now is not None and now is not self._told:
            left, of = now.left()
            text = f"{now.names}: {left:,} of {of:,} tokens may come where a word begins."
            yield Noted(Note("info" if left else "warning", "filters", text))
        self._told = now

    def unfinished(self, ids: list[int], number: int) -> Iterator[Event]:
        """Tells of a text, all its ids with the prompt's, that ends within a word which may not end so."""
        now = self.filtering.current
        if now is not None and not now.may_end(ids):
            text = f"Sequence {number + 1} was cut off within a word that {now.names} would not let end there."
            yield Noted(Note("info", "word-unfinished", text))
