"""One line to answer with: a file's name, most of the time."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.widgets.settings_panel.safe_input import SafeInput


class Ask(ModalScreen[str | None]):
    """Gives what was typed, or None where it was given up."""

    DEFAULT_CSS = """
    Ask { align: center middle; }
    Ask Vertical {
        width: 72; max-width: 95%; height: auto;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    Ask Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "give up", id="ask.close", show=False),
    ]

    def __init__(self, title: str, answer: str = "", *, verbatim: bool = False) -> None:
        """`verbatim` gives the line as it was typed, also where nothing was."""
        super().__init__()
        self._verbatim = verbatim
        self._title = title
        self._answer = answer

    def compose(self) -> ComposeResult:
        """The field."""
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter takes it, esc gives up"
            yield SafeInput(self._answer, compact=True, select_on_focus=bool(self._answer.strip()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed."""
        event.stop()
        typed = self.query_one(SafeInput).meant
        self.dismiss(typed if self._verbatim else typed.strip() or None)
