"""An editor that keeps its text as it is and draws nothing of it that a terminal would obey."""

from __future__ import annotations

from rich.text import Text
from textual.geometry import Offset
from textual.widgets import TextArea

from engine.safe_text import safe_cells


class SafeEditor(TextArea):
    """Several lines, wrapped; tab goes to the next pane."""

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id, soft_wrap=True, tab_behavior="focus", show_line_numbers=False)
        self.highlight_cursor_line = False

    def get_line(self, line_index: int) -> Text:
        """The line as it is drawn: sign for character, so that the cursor stays where it belongs."""
        line = super().get_line(line_index)
        return Text(safe_cells(line.plain), end="", no_wrap=True)

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """As in any editor; undo takes lines away before it moves the cursor, and then there is nowhere to go yet."""
        if self.cursor_location[0] >= self.document.line_count:
            return Offset()
        return super().scroll_cursor_visible(center, animate)

    def replace_all(self, text: str) -> None:
        """Put another text in the place of all; the editor's own undo brings the old one back."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor(self.document.end)
