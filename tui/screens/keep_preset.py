"""Where to keep a preset: a name to type, and the nine digits to choose from."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from engine.presets import DIGITS, NAME_LENGTH, Shelf
from engine.safe_text import safe_text
from tui.widgets.settings_panel.safe_input import SafeInput


class KeepPreset(ModalScreen[tuple[int, str] | None]):
    """Gives digit and name, or None where it was given up."""

    DEFAULT_CSS = """
    KeepPreset { align: center middle; }
    KeepPreset Vertical {
        width: 56; max-width: 95%; height: auto; max-height: 95%;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    KeepPreset Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    KeepPreset OptionList { border: none; height: auto; background: $surface; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "give up", id="keep.close", show=False),
        Binding("down", "move(1)", "next digit", id="keep.next", show=False, priority=True),
        Binding("up", "move(-1)", "previous digit", id="keep.previous", show=False, priority=True),
    ]

    def __init__(self, shelf: Shelf, name: str = "") -> None:
        super().__init__()
        self._field = SafeInput(name, placeholder="a name", max_length=NAME_LENGTH, compact=True)
        self._list = OptionList(*(Option(_line(shelf, digit)) for digit in DIGITS), markup=False)
        self._free = next((digit for digit in DIGITS if not shelf.is_own(digit)), 1)

    def compose(self) -> ComposeResult:
        """The name, and the digits with what is there now."""
        with Vertical() as box:
            box.border_title = "Keep a preset"
            box.border_subtitle = "↑↓ choose the digit, enter keeps, esc gives up"
            yield self._field
            yield self._list

    def on_mount(self) -> None:
        """Begin with the name; a preset of the user's own is not the first to be written over."""
        self._list.highlighted = self._free - 1
        self._field.focus()

    def action_move(self, by: int) -> None:
        """Move in the list while the typing goes on."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it, if it has a name."""
        event.stop()
        self._keep(self._list.highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Keep it under a digit by a click."""
        event.stop()
        self._keep(event.option_index)

    def _keep(self, place: int | None) -> None:
        name = self._field.value.strip()
        if name and place is not None:
            self.dismiss((DIGITS[place], name))
        else:
            self._field.placeholder = "a name is needed"
            self._field.focus()


def _line(shelf: Shelf, digit: int) -> Content:
    what = f"{digit}  {safe_text(shelf[digit].name)}"
    return Content(what + ("  (your own)" if shelf.is_own(digit) else ""))
