"""A list to choose from, narrowed by typing: control codes, languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from engine.safe_text import safe_text
from tui.widgets.settings_panel.safe_input import SafeInput


class Chooser(ModalScreen[str | None]):
    """Gives the chosen name, or None where the choice was given up."""

    DEFAULT_CSS = """
    Chooser { align: center middle; }
    Chooser Vertical {
        width: 48; max-width: 95%; height: 80%; max-height: 24;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    Chooser Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    Chooser OptionList { border: none; height: 1fr; background: $surface; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "give up", id="chooser.close", show=False),
        Binding("down", "move(1)", "next", id="chooser.next", show=False, priority=True),
        Binding("up", "move(-1)", "previous", id="chooser.previous", show=False, priority=True),
    ]

    def __init__(self, title: str, names: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._names = list(names)
        self._shown = list(names)
        self._list = OptionList(markup=False)

    def compose(self) -> ComposeResult:
        """A field to narrow the list, and the list."""
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter chooses, esc gives up"
            yield SafeInput(placeholder="type to narrow the list", compact=True)
            yield self._list

    def on_mount(self) -> None:
        """All names at first."""
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list to what holds the typed text."""
        event.stop()
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the highlighted name."""
        event.stop()
        self._choose(self._list.highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take a name by a click."""
        event.stop()
        self._choose(event.option_index)

    def action_move(self, by: int) -> None:
        """Move in the list while the typing goes on."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def line(self, name: str) -> Content:
        """How a name stands in the list."""
        return Content(safe_text(name))

    def _fill(self, text: str) -> None:
        self._shown = [name for name in self._names if text.lower() in name.lower()]
        self._list.clear_options()
        self._list.add_options([Option(self.line(name)) for name in self._shown])
        self._list.highlighted = 0 if self._shown else None

    def _choose(self, place: int | None) -> None:
        if place is not None:
            self.dismiss(self._shown[place])
