"""The output as an editor: what follows the prompt in one sequence, in the place of the view while it is edited."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from engine.safe_text import safe_cells
from tui.widgets.safe_editor import SafeEditor

_AWAY = 0xF0000  # a plane for private use: one cell a character, and none of them ends a line


class OutputEditor(SafeEditor):
    """Hidden while nothing is edited.

    Lines end in an editor at more than newlines, and controls have no width there, so whatever is drawn as a sign
    stands in it as a character for private use: the text that comes out is the one that went in.
    """

    HELP = (
        "What follows the prompt, to be changed by hand. Taken over, what you wrote is underlined, and the model "
        "writes on from it; it can be undone like a run."
    )
    DEFAULT_CSS = """
    OutputEditor {
        height: 1fr;
        border: round $border-blurred;
        border-title-color: $primary;
        border-subtitle-color: $text-muted;
        background: transparent;
        padding: 0 1;
        display: none;
        &:focus { border: round $border; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "done", "Take the edit over", show=False, id="editor.done")
    ]

    class Done(Message):
        """The edit is to be taken over."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sequence: int | None = None
        """The sequence that is edited; None where none is."""
        self._back: dict[int, int] = {}

    def open(self, sequence: int, text: str, at: int | None) -> None:
        """Edit a sequence from a place in its text, or from its end."""
        signs = {ord(sign) for sign in set(text) - {"\n", "\t"} if ord(sign) < _AWAY and safe_cells(sign) != sign}
        self._back = {_AWAY + code: code for code in signs if code <= 0xFFFF}
        self.sequence = sequence
        self.load_text(text.translate({code: away for away, code in self._back.items()}))
        self.display = True
        before = text[:at]
        self.move_cursor((before.count("\n"), len(before) - before.rfind("\n") - 1))
        self.focus()
        self.call_after_refresh(self.scroll_cursor_visible)

    def close(self) -> str:
        """End the editing: the text as it is now."""
        self.sequence = None
        self.display = False
        return self.text.translate(self._back)

    def get_line(self, line_index: int) -> Text:
        """As in any safe editor, with the signs of what stands for something else here."""
        line = self.document.get_line(line_index)
        return Text(safe_cells(line.translate(self._back)), end="", no_wrap=True)

    def action_done(self) -> None:
        """Escape takes the edit over."""
        self.post_message(self.Done())
