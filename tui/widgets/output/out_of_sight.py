"""How text is drawn that the model no longer sees: dim, with a bar beside it that says so without colours.

It is laid over the strips of lines as they are, so nothing is wrapped or painted anew for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.widgets.output.wrapping import Line, Piece, line_clusters

BAR, LAST_BAR = "┊", "╵"
"""Beside a line that is out of sight, and beside the one in which sight begins again."""


def span(pieces: Sequence[Piece], start: int, end: int) -> tuple[int, int]:
    """Where the characters `start` to `end` of a text stand among its pieces, marks counted."""
    return (_position(pieces, start), _position(pieces, end - 1) + 1) if start < end else (0, 0)


def _position(pieces: Sequence[Piece], character: int) -> int:
    text = position = 0
    for kind, piece in pieces:
        if kind != "mark":
            if character < text + len(piece):
                return position + character - text
            text += len(piece)
        position += len(piece)
    return position


def rows(before: tuple[int, int], after: tuple[int, int]) -> tuple[int, int] | None:
    """The positions between which two such spans differ in how they look; None where they do not."""
    if before == after:
        return None
    places = sorted({*before, *after} if before[0] != after[0] else {before[1], after[1]})
    return max(0, places[0] - 1), places[-1]


def veiled(
    strip: Strip, line: Line, hidden: tuple[int, int], limit: int, style: Style, *, coloured: bool = False
) -> Strip:
    """The strip of a line with what is hidden of it drawn so; its bar stands in column `limit`, which text leaves free.

    `style` has no background of its own, so that a selection still shows. Where text is `coloured` the bar alone says
    it: dim text on a tint could not be read.
    """
    low, high = hidden
    end = line.start + line.length
    if not (line.start < high and low < end):
        return strip
    first, last = (_column(line, place) for place in (low, high))
    before, inside, after = (strip.crop(*cut) for cut in ((0, first), (first, last), (last, limit)))
    look = Style() if coloured else style
    dim = Strip(
        [Segment(text, (own or Style()) + look, control) for text, own, control in inside],
        last - first,
    )
    bar = Strip([Segment(BAR if end <= high else LAST_BAR, style)], 1)
    text = Strip.join([before, dim, after]).adjust_cell_length(limit)
    return Strip.join([text, bar, strip.crop(limit + 1, strip.cell_length)])


def _column(line: Line, position: int) -> int:
    """The column in which the character at `position` is drawn; the nearest end for one outside the line."""
    column, place = 0, line.start
    for _, cluster in line_clusters(line):
        if place >= position:
            break
        column += cluster.cells
        place += cluster.raw
    return column
