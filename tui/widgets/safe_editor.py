"""An editor that keeps its text as it is and draws nothing of it that a terminal would obey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import TextArea

from engine.safe_text import safe_cells


class SafeEditor(TextArea):
    """Several lines, wrapped; tab goes to the next pane.

    Beside the library's own keys are those that it lacks, and the way to select all that other actions took from it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+a", "select_all", "Select all", id="editor.select_all", show=False),
        Binding("ctrl+home", "text_start", "To the beginning", id="editor.start", show=False),
        Binding("ctrl+end", "text_end", "To the end", id="editor.end", show=False),
        Binding("ctrl+shift+home", "text_start(True)", "Select to the beginning", id="editor.select_start", show=False),
        Binding("ctrl+shift+end", "text_end(True)", "Select to the end", id="editor.select_end", show=False),
        Binding("alt+left,alt+b", "cursor_word_left", "A word back", id="editor.word_left", show=False),
        Binding("alt+right,alt+f", "cursor_word_right", "A word on", id="editor.word_right", show=False),
        Binding("alt+d,ctrl+delete", "delete_word_right", "Delete the word", id="editor.delete_word", show=False),
    ]

    @dataclass
    class Passed(Message):
        """What was to be done once all keys before it had been heard, the editor's own among them."""

        then: Callable[[], None]

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id, soft_wrap=True, tab_behavior="focus", show_line_numbers=False)
        self.highlight_cursor_line = False

    def get_line(self, line_index: int) -> Text:
        """The line as it is drawn: sign for character, so that the cursor stays where it belongs."""
        line = super().get_line(line_index)
        return Text(safe_cells(line.plain), end="", no_wrap=True)

    async def _on_key(self, event: Key) -> None:
        """A letter with alt is a command, whether or not it is one here; the editor would type the letter."""
        if event.key.startswith("alt+"):
            event.prevent_default()

    def action_text_start(self, select: bool = False) -> None:
        """To the beginning of the text."""
        self.move_cursor((0, 0), select=select)

    def action_text_end(self, select: bool = False) -> None:
        """To the end of the text."""
        self.move_cursor(self.document.end, select=select)

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """As in any editor; undo takes lines away before it moves the cursor, and then there is nowhere to go yet."""
        if self.cursor_location[0] >= self.document.line_count:
            return Offset()
        return super().scroll_cursor_visible(center, animate)

    def replace_all(self, text: str) -> None:
        """Put another text in the place of all; the editor's own undo brings the old one back."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor(self.document.end)
