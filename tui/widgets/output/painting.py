"""From a wrapped line to a strip of styled segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.colouring import Shade
from tui.widgets.output.found import Range
from tui.widgets.output.wrapping import Kind, Line, line_clusters

CURSOR = "▌"
# What was found is told apart without colours.
NOTHING, FOUND, HERE = Style(), Style(bold=True, underline=True), Style(bold=True, reverse=True)


def place(position: int) -> Style:
    """Tells Textual's text selection where a segment's text begins.

    Textual adds the number of drawn characters before the pointer to the first number, and orders places by
    the second. So the second is the position in the text: a selection stays with its text when that is
    wrapped anew or grows.
    """
    return Style.from_meta({"offset": (0, position)})


class Painter:
    """Draws lines in a fixed set of styles."""

    def __init__(
        self,
        base: Style,
        kinds: Mapping[Kind, Style],
        cursor: Style,
        selection: Style,
        shades: Sequence[Style] = (),
    ) -> None:
        self.base = base
        self._kinds = {kind: base + style for kind, style in kinds.items()}
        self._cursor = base + cursor
        self._selection = selection
        self._shades = (NOTHING, *shades)

    def blank(self, width: int, position: int) -> Strip:
        """An empty row of `width` cells at a position in the text."""
        return Strip([Segment(" " * width, self.base + place(position))], width)

    def line(
        self,
        line: Line,
        width: int,
        selected: tuple[int, int] | None = None,
        cursor: int | None = None,
        found: tuple[Range, ...] = (),
        shades: tuple[Shade, ...] = (),
    ) -> Strip:
        """A line, cropped or filled to `width` cells.

        `selected` is a range of positions in the text, and so are those that were `found` and the `shades`; a cursor
        stands at the end, at most in column `cursor`.
        """
        low, high = selected or (0, 0)
        segments: list[Segment] = []
        cells = 0
        text = ""
        text_start = position = line.start
        look: tuple[Kind, bool, Style, int] | None = None
        searched, shaded = iter(found), iter(shades)
        place_found, shade = next(searched, None), next(shaded, None)

        def flush() -> None:
            if text and look is not None:
                style = self._kinds[look[0]] + self._shades[look[3]]
                style = style + self._selection if look[1] else style
                segments.append(Segment(text, style + look[2] + place(text_start)))

        for kind, cluster in line_clusters(line):
            if cluster.shown:
                while place_found is not None and place_found.end <= position:
                    place_found = next(searched, None)
                emphasis = NOTHING
                if place_found is not None and place_found.start < position + cluster.raw:
                    emphasis = HERE if place_found.here else FOUND
                while shade is not None and shade.end <= position:
                    shade = next(shaded, None)
                level = shade.level + 1 if shade is not None and shade.start < position + cluster.raw else 0
                new_look = (kind, low <= position < high, emphasis, level)
                # Within a segment Textual finds the place by adding up the widths of single characters. That
                # is wrong for clusters of several, so these have segments of their own.
                alone = len(cluster.shown) > 1
                if alone or new_look != look:
                    flush()
                    text, text_start, look = "", position, new_look
                text += cluster.shown
                cells += cluster.cells
                if alone:
                    flush()
                    text, look = "", None
            position += cluster.raw
        flush()

        if cursor is not None:
            # Spaces that hang over the edge must not push it out of sight.
            shown = Strip(segments, cells).crop(0, cursor)
            cells = shown.cell_length + 1
            segments = [*shown, Segment(CURSOR, self._cursor)]
        if not segments:
            return self.blank(width, line.start)
        return Strip(segments, cells).adjust_cell_length(width, self.base)
