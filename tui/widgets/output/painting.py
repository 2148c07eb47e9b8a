"""From a wrapped line to a strip of styled segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.output.found import Range
from tui.widgets.output.wrapping import Kind, Line, Piece, line_clusters, wrap

CURSOR = "▌"
KINDS: tuple[Kind, ...] = get_args(Kind)
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

    def __init__(self, base: Style, kinds: Mapping[Kind, Style], cursor: Style, selection: Style) -> None:
        self.base = base
        self._kinds = {kind: base + style for kind, style in kinds.items()}
        self._cursor = base + cursor
        self._selection = selection

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
    ) -> Strip:
        """A line, cropped or filled to `width` cells.

        `selected` is a range of positions in the text, and so are those that were `found`; a cursor stands at the
        end, at most in column `cursor`.
        """
        low, high = selected or (0, 0)
        segments: list[Segment] = []
        cells = 0
        text = ""
        text_start = position = line.start
        look: tuple[Kind, bool, Style] | None = None
        searched = iter(found)
        place_found = next(searched, None)

        def flush() -> None:
            if text and look is not None:
                style = self._kinds[look[0]] + self._selection if look[1] else self._kinds[look[0]]
                segments.append(Segment(text, style + look[2] + place(text_start)))

        for kind, cluster in line_clusters(line):
            if cluster.shown:
                while place_found is not None and place_found.end <= position:
                    place_found = next(searched, None)
                emphasis = NOTHING
                if place_found is not None and place_found.start < position + cluster.raw:
                    emphasis = HERE if place_found.here else FOUND
                new_look = (kind, low <= position < high, emphasis)
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


def placeholder_row(text: str, y: int, size: Size, base: Style, style: Style) -> Strip:
    """Row `y` of a hint that stands in the middle of an empty view."""
    lines = wrap([Piece("model", text)], max(2, size.width - 4))
    row = y - max(0, (size.height - len(lines)) // 2)
    if not 0 <= row < len(lines):
        return Strip.blank(size.width, base)
    shown = "".join(cluster.shown for _, cluster in line_clusters(lines[row])).strip()
    return Strip([Segment(shown, style)]).text_align(size.width, "center").apply_style(base)


def painter_for(view: Widget) -> Painter:
    """A painter in the styles that a view has by its CSS."""

    def style(name: str) -> Style:
        return view.get_component_rich_style(f"output--{name}")

    return Painter(
        view.rich_style,
        {kind: style(kind) for kind in KINDS},
        style("cursor"),
        # Only the background: with no colour of its own, the style would draw text in that background.
        Style(bgcolor=view.screen.get_component_rich_style("screen--selection").bgcolor),
    )
