"""The classes of a line's text, where they stand in the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tui.colouring import Shade
from tui.widgets.output.document import Document
from tui.widgets.output.wrapping import Line

Shading = Callable[[int, int, int], Sequence[Shade]]
"""Gives the classes of a sequence between two characters, prompt counted and marks not; it is asked line by line."""


def shades_of(line: Line, document: Document, sequence: int, shading: Shading) -> tuple[Shade, ...]:
    """The shades of a line of this document, by positions, which count marks too."""
    return tuple(_shades(line, document, sequence, shading))


def _shades(line: Line, document: Document, sequence: int, shading: Shading) -> Iterator[Shade]:
    position = line.start
    for kind, text in line.runs:
        end = position + len(text)
        if kind not in ("prompt", "mark", "tail"):
            first = document.characters(position)
            for start, stop, level in shading(sequence, first, first + len(text)):
                yield Shade(max(position, position + start - first), min(end, position + stop - first), level)
        position = end
