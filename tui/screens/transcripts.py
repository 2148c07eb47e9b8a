"""The library of transcripts: to be searched, opened, played, named, thrown away, exported."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from engine.errors import FileError, one_line
from engine.safe_text import safe_block, safe_text
from engine.session.holding import is_held
from engine.session.library import Deleted, Entry, Library
from engine.session.markdown import file_name
from engine.session.record import open_record
from engine.text_files import shown_path
from tui.library_actions import LIBRARY
from tui.screens.list_keys import list_keys
from tui.widgets.entry_list import EntryList
from tui.widgets.key_bar import KeyBar
from tui.widgets.settings_panel.safe_input import SafeInput

EMPTY = (
    "Nothing here yet.\n"
    "Each session is kept here by itself as it goes on, to be opened, played and gone on with.\n"
    "One that gets a name is kept for good."
)
_TOLD_EVERY_S = 0.2
_AROUND = 400  # characters before a place that was found


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be done with a transcript in the session."""

    what: Literal["open", "play"]
    path: Path
    speed: float = 1.0
    """How many times as fast it is played; 0 for at once."""


class TranscriptsScreen(Screen[Choice | None]):
    """Gives what is to be opened or played, or None. What only moves files is done here."""

    TITLE_TEXT = "Transcripts"
    DEFAULT_CSS = """
    TranscriptsScreen #library {
        height: 1fr;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        padding: 0 1;
    }
    TranscriptsScreen Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    TranscriptsScreen #preview {
        height: 7; border-top: solid $border-blurred; color: $text-muted; padding: 0 1;
    }
    TranscriptsScreen.-low #preview { display: none; }
    TranscriptsScreen #said { height: 1; color: $text-warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*list_keys(LIBRARY, "library")]

    def __init__(
        self,
        library: Library,
        *,
        own: Path | None = None,
        renamed: Callable[[Path, Path], None] = lambda old, new: None,
    ) -> None:
        """`own` is the transcript that this session writes; `renamed` is told when a file has another path."""
        super().__init__()
        self._library = library
        self._renamed = renamed
        self._all: list[Entry] = []
        self._deleted: list[Deleted] = []
        self._reading = True
        self._field = SafeInput(placeholder="type to search in all texts", compact=True)
        self._list = EntryList(own=own)
        self._list.can_focus = False  # typing always searches
        self._preview = Static(markup=False, id="preview")
        self._said = Static(markup=False, id="said")

    def compose(self) -> ComposeResult:
        """The search, the list, some of the text of the highlighted one, what is to be said, the keys."""
        with Vertical(id="library") as box:
            box.border_title = self.TITLE_TEXT
            yield self._field
            yield self._list
            yield self._preview
        yield self._said
        yield KeyBar(LIBRARY)

    def on_mount(self) -> None:
        """Begin to read."""
        self._field.focus()
        self._read()

    def on_unmount(self) -> None:
        """Let go of the index."""
        self._library.close()

    def on_resize(self) -> None:
        """Where it is low the list has the room."""
        self.set_class(self.size.height < 22, "-low")

    # Reading and searching, in threads

    def _read(self) -> None:
        self._reading = True

        def read() -> None:
            worker = get_current_worker()
            found: list[Entry] = []
            told = time.monotonic()
            for entry in self._library.entries(lambda: worker.is_cancelled):
                found.append(entry)
                if time.monotonic() - told > _TOLD_EVERY_S:
                    told = time.monotonic()
                    self.app.call_from_thread(self._have, list(found), True)
            if not worker.is_cancelled:
                self.app.call_from_thread(self._have, found, False)

        self.run_worker(read, thread=True, exclusive=True, exit_on_error=False, group="read")

    def _have(self, entries: list[Entry], reading: bool) -> None:
        if not reading or len(entries) > len(self._all):  # while it is read again, what is known stays
            self._all = entries
        self._reading = reading
        self._search()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search for what is typed; what was typed before is not searched for any longer."""
        event.stop()
        self._search()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open what is highlighted."""
        event.stop()
        self.action_open_entry()

    def _search(self) -> None:
        text = self._field.meant
        if not text.strip():
            self.workers.cancel_group(self, "search")
            self._show(self._all)
            return

        def search() -> None:
            worker = get_current_worker()
            found = self._library.holding(text, lambda: worker.is_cancelled)
            if not worker.is_cancelled:
                self.app.call_from_thread(self._found, text, found)

        self.run_worker(search, thread=True, exclusive=True, exit_on_error=False, group="search")

    def _found(self, text: str, paths: set[Path]) -> None:
        if text == self._field.meant:
            self._show([entry for entry in self._all if entry.path in paths])

    def _show(self, entries: Sequence[Entry]) -> None:
        nothing = EMPTY if not self._all else "No transcript has all of these words."
        self._list.show(entries, "Reading…" if self._reading and not entries else nothing)
        count = f"{len(self._all):,}" if len(entries) == len(self._all) else f"{len(entries):,} of {len(self._all):,}"
        self.query_one("#library").border_subtitle = f"{count}{', reading…' if self._reading else ''}"

    def on_entry_list_highlighted(self, event: EntryList.Highlighted) -> None:
        """Show some of its text, around what was searched for."""
        event.stop()
        entry, words = event.entry, self._field.meant.split()
        if entry is None:
            self._preview.update("")
            return

        def look() -> None:
            text = self._library.text(entry.path)
            if not get_current_worker().is_cancelled:
                self.app.call_from_thread(self._preview.update, _around(text, words))

        self.run_worker(look, thread=True, exclusive=True, exit_on_error=False, group="look")

    # What can be done

    def on_entry_list_chosen(self, event: EntryList.Chosen) -> None:
        """Open by a double click."""
        event.stop()
        self.action_open_entry()

    def action_move(self, by: int) -> None:
        """Move in the list while the typing goes on."""
        self._list.move(by)

    def action_page(self, by: int) -> None:
        """The same by pages."""
        self._list.page(by)

    def action_give_up(self) -> None:
        """First what is searched for goes, then the screen."""
        if self._field.value:
            self._field.value = ""
        else:
            self.dismiss(None)

    def action_open_entry(self) -> None:
        """Go on with it in the session."""
        self._take("open")

    def action_play_entry(self) -> None:
        """Play it in the session."""
        self._take("play")

    def _take(self, what: Literal["open", "play"]) -> None:
        entry = self._list.highlighted
        if entry is None:
            self._say("There is nothing to choose.")
        elif entry.path == self._list.own and what == "open":
            self._say("This is the session that you are in.")
        else:
            self.dismiss(Choice(what, entry.path))

    def action_name_entry(self) -> None:
        """Ask for a name, and keep it apart under that."""
        from tui.screens.ask import Ask

        entry = self._list.highlighted
        if entry is None:
            self._say("There is nothing to name.")
        elif entry.path != self._list.own and is_held(entry.path):
            self._say("Another session is writing to it: it can be named once that has been left.")
        else:
            offered = entry.name or shorten(entry.title, 40, placeholder="")
            self.app.push_screen(Ask("Name it", offered), lambda name: self._take_name(entry.path, name))

    def _take_name(self, path: Path, name: str | None) -> None:
        if name is None:
            return
        try:
            new = self._library.rename(path, name)
        except FileError as error:
            self._say(str(error))
            return
        if path == self._list.own:
            self._list.own = new
        self._renamed(path, new)
        self._all = [replace(entry, path=new) if entry.path == path else entry for entry in self._all]
        self._list.entries = [replace(entry, path=new) if entry.path == path else entry for entry in self._list.entries]
        self._say(f"Named: {new.stem}")
        self._read()

    def action_delete_entry(self) -> None:
        """Into the bin with it."""
        entry = self._list.highlighted
        if entry is None:
            self._say("There is nothing to delete.")
            return
        try:
            self._deleted.append(self._library.delete(entry.path))
        except FileError as error:
            self._say(str(error))
            return
        self._all = [other for other in self._all if other.path != entry.path]
        self._say(f"Deleted: {entry.title}. {LIBRARY.key('library_undo')} brings it back.")
        self._search()
        self._read()

    def action_bring_back(self) -> None:
        """Undo the last deletion; what was deleted before it comes next."""
        if not self._deleted:
            self._say("Nothing was deleted here.")
            return
        try:
            path = self._library.bring_back(self._deleted[-1])
        except FileError as error:
            self._say(str(error))
            return
        self._deleted.pop()
        self._say(f"It is back: {path.stem}")
        self._read()

    def action_export_entry(self) -> None:
        """Ask into what and where to, and export it."""
        from tui.export.command import TO
        from tui.screens.chooser import Chooser

        entry = self._list.highlighted
        if entry is None:
            self._say("There is nothing to export.")
            return

        def export(to: str | None) -> None:
            if to is not None:
                self._say("Exporting…")
                self.run_worker(lambda: self._export(entry, to), thread=True, exit_on_error=False, group="export")

        self.app.push_screen(Chooser("Export as", TO), export)

    def _export(self, entry: Entry, to: str) -> None:
        from tui.export.command import exported

        try:
            text = exported(open_record(entry.path), to)
        except Exception as error:  # it is a file, and may hold anything
            self.app.call_from_thread(self._say, one_line(error))
            return
        self.app.call_from_thread(self._save, f"{Path(file_name(entry.title)).stem}.{to}", text)

    def _save(self, name: str, text: str) -> None:
        from tui.screens.save_as import SaveScreen

        def saved(path: Path | None) -> None:
            self._say("" if path is None else f"Saved: {shown_path(path.absolute())}")

        self._say("")
        self.app.push_screen(SaveScreen(name, text, "Export"), saved)

    def _say(self, text: str) -> None:
        self._said.update(Content(safe_text(text)))


def _around(text: str, words: Sequence[str]) -> Content:
    """Some lines of a text, from its beginning or from where a word stands; the words themselves bold."""
    folded = text.lower()  # as long as the text but for rare letters: the place is near enough then
    place = min((at for word in words if (at := folded.find(word.lower())) >= 0), default=0)
    begin = max(0, place - 60)
    shown = safe_block(("…" if begin else "") + text[begin : begin + _AROUND * 4].strip())
    content = Content(shown)
    for word in words:
        at = shown.lower().find(safe_block(word).lower())
        if at >= 0:
            content = content.stylize("bold $accent", at, at + len(word))
    return content
