"""What of a text is selected with the mouse."""

from __future__ import annotations

from textual.geometry import Offset
from textual.selection import Selection

from tui.widgets.output.wrapping import Wrapped


def selected_range(wrapped: Wrapped, selection: Selection) -> tuple[int, int]:
    """The selection as a range of positions in the text; see `painting.place` for what its offsets mean."""

    def position(offset: Offset | None, otherwise: int) -> int:
        return otherwise if offset is None else wrapped.position(offset.y, offset.x)

    return position(selection.start, 0), position(selection.end, wrapped.length)
