"""Which text file to open: a path, completed as it is typed."""

from __future__ import annotations

from os.path import exists, isdir
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.errors import FileError
from engine.path_completion import Entry, completions
from engine.safe_text import safe_text
from engine.text_files import path_of
from tui.widgets.settings_panel.safe_input import SafeInput


class OpenScreen(ModalScreen[Path | None]):
    """Gives the path of a file, or None where it was given up."""

    DEFAULT_CSS = """
    OpenScreen { align: center middle; }
    OpenScreen Vertical {
        width: 72; max-width: 95%; height: 80%; max-height: 24;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    OpenScreen Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    OpenScreen OptionList { border: none; height: 1fr; background: $surface; padding: 0; }
    OpenScreen OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    OpenScreen Static { height: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "give up", id="open.close", show=False),
        Binding("down", "move(1)", "next", id="open.next", show=False, priority=True),
        Binding("up", "move(-1)", "previous", id="open.previous", show=False, priority=True),
        Binding("tab", "complete", "complete", id="open.complete", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []
        self._moved = False
        self._field = SafeInput(placeholder="a path; ~ is home", compact=True)
        self._list = OptionList(markup=False)
        self._said = Static(markup=False)

    def compose(self) -> ComposeResult:
        """The path, what it may become, and what is wrong with it."""
        with Vertical() as box:
            box.border_title = "Open a text file"
            box.border_subtitle = "tab completes, enter opens, esc gives up"
            yield self._field
            yield self._list
            yield self._said

    def on_mount(self) -> None:
        """Begin where the program was started."""
        self._look()
        self._field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what the path may become."""
        event.stop()
        self._look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open what is named, or what was gone to in the list, or what alone can be meant."""
        event.stop()
        entry = self._highlighted
        if self._moved and entry is not None:
            self._take(entry)
            return
        try:
            path = path_of(self._field.meant)
            if exists(path) and not isdir(path):
                self.dismiss(path)
            elif entry is not None:
                self._take(entry)
            else:
                self._say("A folder: type on, or choose a file of it." if isdir(path) else "There is no such file.")
        except FileError as error:
            self._say(str(error))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open by a click."""
        event.stop()
        self._take(self._entries[event.option_index])

    def action_move(self, by: int) -> None:
        """Move in the list while the typing goes on."""
        self._moved = True
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_complete(self) -> None:
        """Take the highlighted name, or the first, into the field."""
        if self._entries:
            self._fill(self._highlighted or self._entries[0])

    @property
    def _highlighted(self) -> Entry | None:
        place = self._list.highlighted
        return None if place is None else self._entries[place]

    def _take(self, entry: Entry) -> None:
        if entry.name.endswith("/"):
            self._fill(entry)
        else:
            self.dismiss(path_of(entry.text))

    def _fill(self, entry: Entry) -> None:
        self._field.value = entry.text
        self._field.cursor_position = len(self._field.value)
        self._field.focus()

    def _look(self) -> None:
        typed = self._field.meant
        self._moved = False
        try:
            self._entries = completions(typed)
            self._say("" if self._entries else "Nothing begins like that.")
        except FileError as error:
            self._entries = []
            self._say(str(error))
        self._list.clear_options()
        self._list.add_options([Option(Content(safe_text(entry.name))) for entry in self._entries])
        # Nothing is meant yet where a folder stands alone.
        self._list.highlighted = 0 if self._entries and not typed.endswith("/") and typed else None

    def _say(self, text: str) -> None:
        self._said.update(Content(safe_text(text)))
