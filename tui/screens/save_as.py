"""Under which name to save: nothing is written over that was not looked at."""

from __future__ import annotations

from os.path import isdir
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import FileError, NameTakenError
from engine.safe_text import safe_text
from engine.text_files import path_of, shown_path, write_text
from tui.widgets.settings_panel.safe_input import SafeInput


class SaveScreen(ModalScreen[Path | None]):
    """Writes the text, and gives the path it was written to, or None where it was given up."""

    DEFAULT_CSS = """
    SaveScreen { align: center middle; }
    SaveScreen Vertical {
        width: 72; max-width: 95%; height: auto;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    SaveScreen Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    SaveScreen Static { color: $text-muted; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "give up", id="save.close", show=False)]

    def __init__(self, name: str, text: str, title: str = "Save as Markdown") -> None:
        """`name` is offered, with a number where there is such a file already; its ending is every name's."""
        super().__init__()
        self._title = title
        self._ending = Path(name).suffix
        self._text = text
        self._field = SafeInput(_free(name), compact=True, select_on_focus=False)
        self._said = Static(markup=False)
        self._over = False

    def compose(self) -> ComposeResult:
        """The name, and below it the folder or what is in the way."""
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter saves, esc gives up"
            yield self._field
            yield self._said

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another name: what was said of the last one is void."""
        event.stop()
        self._over = False
        try:
            folder = self._path().parent.absolute()
            self._say(f"in {shown_path(folder)}")
        except (FileError, OSError) as error:
            self._say(str(error))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write it; over another file when enter is pressed again."""
        event.stop()
        try:
            path = self._path()
            write_text(path, self._text, over=self._over)
        except NameTakenError:
            self._over = True
            self._say("There is a file of this name. Enter again writes over it; or change the name.")
        except FileError as error:
            self._say(str(error))
        else:
            self.dismiss(path)

    def _path(self) -> Path:
        path = path_of(self._field.meant.strip())
        return path if path.suffix or isdir(path) else path.with_name(f"{path.name}{self._ending}")

    def _say(self, text: str) -> None:
        self._said.update(Content(safe_text(text)))


def _free(name: str) -> str:
    """The name, with a number where it is taken."""
    path, number = Path(name), 2
    while path.exists() and number < 1000:
        path, number = Path(name).with_stem(f"{Path(name).stem}-{number}"), number + 1
    return str(path)
