"""The models: which there are, what each is, whether it has room; load one, fetch one, stop either."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.worker import get_current_worker

from engine.errors import one_line
from engine.models.dtypes import DTYPES
from engine.safe_text import safe_text
from tui.model_list_actions import MODELS
from tui.screens.list_keys import list_keys
from tui.screens.model_facts import Told, devices, read, shown
from tui.widgets.key_bar import KeyBar
from tui.widgets.model_list import ModelList, Row
from tui.widgets.settings_panel.safe_input import SafeInput

if TYPE_CHECKING:
    from engine.models.catalogue import Entry
    from tui.commands.models import ModelCommands

_FOLLOWED_EVERY_S = 0.25
_LOOKED_AFTER_S = 0.12
_MOST_OF_THE_HUB = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be loaded, where and how precisely; None is the embedded model. An adapter goes over what is there."""

    name: str | None
    device: str = "auto"
    dtype: str = "auto"
    adapter: bool = False


class ModelsScreen(Screen[Wanted | None]):
    """Gives what is to be loaded; a download goes on behind it when it is closed."""

    TITLE_TEXT = "Models"
    DEFAULT_CSS = """
    ModelsScreen { layout: vertical; background: $surface; }
    ModelsScreen #models {
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        height: 1fr; padding: 0 1;
    }
    ModelsScreen Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    ModelsScreen #beside { layout: horizontal; height: 1fr; }
    ModelsScreen ModelList { width: 1fr; }
    ModelsScreen #facts { width: 48; height: 1fr; padding: 0 0 0 2; scrollbar-size-vertical: 1; }
    ModelsScreen #facts Static { height: auto; }
    ModelsScreen #said { height: 1; padding: 0 2; color: $text-muted; }
    ModelsScreen.-narrow #beside { layout: vertical; }
    ModelsScreen.-narrow ModelList { width: 1fr; height: 1fr; }
    ModelsScreen.-narrow #facts {
        width: 1fr; height: 9; padding: 0; border-top: solid $border-blurred;
    }
    ModelsScreen.-low #facts { height: 5; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*list_keys(MODELS, "models")]

    def __init__(self, owner: ModelCommands) -> None:
        super().__init__()
        self._owner = owner
        self._local: list[Entry] = []
        self._found: list[Entry] = []
        self._device = self._dtype = "auto"
        self._told: Told | None = None
        self._reading = True
        before = owner.fetching
        self._ended = before if before is not None and not before.running else None
        self._field = SafeInput(placeholder="type to narrow; or a folder, a .gguf, a name on the hub", compact=True)
        self._list = ModelList()
        self._facts = Static(markup=False)
        self._said = Static(markup=False, id="said")

    def compose(self) -> ComposeResult:
        """The field, the list, what is known of the highlighted one, what is under way, the keys."""
        with Vertical(id="models") as box:
            box.border_title = self.TITLE_TEXT
            yield self._field
            with Container(id="beside"):
                yield self._list
                with VerticalScroll(id="facts", can_focus=False):
                    yield self._facts
        yield self._said
        yield KeyBar(MODELS)

    def on_mount(self) -> None:
        """Begin to look."""
        self._field.focus()
        self._look()
        self._follow()
        self.set_interval(_FOLLOWED_EVERY_S, self._follow)

    def on_resize(self) -> None:
        """Where it is narrow the facts stand below."""
        self.set_class(self.size.width < 100, "-narrow")
        self.set_class(self.size.height < 20, "-low")

    # What there is

    def _look(self) -> None:
        self._reading = True

        def look() -> None:
            from engine.models.catalogue import entries

            worker = get_current_worker()
            found = []
            for entry in entries(cancelled=lambda: worker.is_cancelled):
                found.append(entry)
                if len(found) % 20 == 0 and not worker.is_cancelled:
                    self.app.call_from_thread(self._have, list(found), True)
            if not worker.is_cancelled:
                self.app.call_from_thread(self._have, found, False)

        self.run_worker(look, thread=True, exclusive=True, exit_on_error=False, group="look")

    def _have(self, entries: list[Entry], reading: bool) -> None:
        self._local, self._reading = entries, reading
        self._show()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list, and go to what is called so."""
        event.stop()
        typed = self._field.meant.strip().lower()
        names = [entry.name for entry in [*self._local, *self._found]]
        called = sorted((name for name in names if typed in _last(name)), key=lambda name: _last(name) != typed)
        self._show(called[0] if typed and called else "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what is highlighted."""
        event.stop()
        self.action_take()

    def _show(self, go_to: str = "") -> None:
        typed = self._field.meant.strip()
        words = typed.lower().split()
        entries = [entry for entry in [*self._local, *self._found] if all(word in _text(entry) for word in words)]
        asked = [row for row in _asked(typed) if all(row.name != entry.name for entry in entries)]
        self._list.show(entries, asked, self._owner.session.facts.name if self._owner.session.facts else "", go_to)
        of = f"{len(entries):,} of {len(self._local) + len(self._found):,}" if words else f"{len(entries):,}"
        self.query_one("#models").border_subtitle = f"{of}{', looking…' if self._reading else ''}"

    # What one is

    def on_model_list_looked(self, event: ModelList.Looked) -> None:
        """Read what it is, once the highlight rests."""
        event.stop()
        row, device, dtype = event.row, self._device, self._dtype
        self._told = None
        self._show_facts()
        if row is None or row.entry is None:
            return
        entry = row.entry

        def look() -> None:
            told = read(entry, device, dtype)
            if not get_current_worker().is_cancelled:
                self.app.call_from_thread(self._know, told)

        def begin() -> None:
            if self._list.row is row:
                self.run_worker(look, thread=True, exclusive=True, exit_on_error=False, group="facts")

        self.set_timer(_LOOKED_AFTER_S, begin)

    def _know(self, told: Told) -> None:
        row = self._list.row
        if row is not None and row.entry is told.entry:
            self._told = told
            self._show_facts()

    def _show_facts(self) -> None:
        self._facts.update(shown(self._list.row, self._told, self._device, self._dtype))

    # What is under way

    def _follow(self) -> None:
        fetching = self._owner.fetching
        if fetching is None or fetching is self._ended:
            return
        if fetching.running:
            self._say(f"{fetching.text} · {MODELS.key('models_stop')} stops it, and closing this does not.")
        else:
            self._ended = fetching
            self._say(fetching.end)
            self._look()

    # What can be done

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take by a click."""
        event.stop()
        self.action_take()

    def action_move(self, by: int) -> None:
        """Move in the list while the typing goes on."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_page(self, by: int) -> None:
        """The same by pages."""
        if by > 0:
            self._list.action_page_down()
        else:
            self._list.action_page_up()

    def action_give_up(self) -> None:
        """First what was typed goes, then the screen."""
        if self._field.value:
            self._field.value = ""
        else:
            self.dismiss(None)

    def action_take(self) -> None:
        """Load it; a model of the hub is fetched first."""
        row = self._list.row
        if row is None:
            self._say("There is nothing to choose.")
        elif row.what == "search":
            self._search(row.name)
        elif row.what == "open" or row.entry is None:
            self.dismiss(Wanted(row.name, self._device, self._dtype))
        elif row.entry.kind == "hub":
            self._fetch(row.entry.name)
        elif row.entry.problem:
            self._say(row.entry.problem)
        else:
            embedded = row.entry.kind == "embedded" and row.name == "embedded"
            adapter = row.entry.kind == "adapter"
            self.dismiss(Wanted(None if embedded else row.name, self._device, self._dtype, adapter))

    def _fetch(self, name: str) -> None:
        fetching = self._owner.fetching
        if fetching is not None and fetching.running:
            self._say(f"{safe_text(fetching.name)} is still being fetched: one at a time.")
        else:
            self._owner.fetch_model(name)
            self._follow()

    def _search(self, text: str) -> None:
        self._say(f"Asking the hub for {text}…")

        def search() -> None:
            from engine.models.hub_search import search as search_hub

            worker = get_current_worker()
            found: list[Entry] = []
            try:
                found = search_hub(text, _MOST_OF_THE_HUB)
                said = "" if found else f"The hub knows no model for {text}."
            except Exception as error:
                said = one_line(error)
            if not worker.is_cancelled:
                self.app.call_from_thread(self._have_found, found, said)

        self.run_worker(search, thread=True, exclusive=True, exit_on_error=False, group="hub")

    def _have_found(self, found: list[Entry], said: str) -> None:
        self._found = found
        self._say(said)
        self._show(found[0].name if found else "")

    def action_precision(self) -> None:
        """The next precision; what it needs is told beside it."""
        self._dtype = _next(DTYPES, self._dtype)
        self._list.post_message(ModelList.Looked(self._list.row))

    def action_device(self) -> None:
        """The next device of this machine."""
        self._device = _next(devices(), self._device)
        self._list.post_message(ModelList.Looked(self._list.row))

    def action_card(self) -> None:
        """Show the card."""
        from tui.screens.card import CardScreen

        row = self._list.row
        if row is None or row.entry is None or row.entry.path is None:
            self._say("Its card comes with it: fetch it first." if row is not None else "There is nothing to choose.")
        else:
            self.app.push_screen(CardScreen(row.entry.name, str(row.entry.path)))

    def action_stop(self) -> None:
        """Stop the download, else the load."""
        if not self._owner.call_off_fetching() and not self._owner.call_off_loading():
            self._say("Nothing is under way.")

    def action_again(self) -> None:
        """Look anew."""
        self._look()

    def _say(self, text: str) -> None:
        self._said.update(Content(safe_text(text)))


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].lower()


def _text(entry: Entry) -> str:
    return f"{entry.name} {entry.family} {entry.kind}".lower()


def _asked(typed: str) -> list[Row]:
    """What a typed name can be, beside what it finds in the list."""
    if not typed:
        return []
    path = Path(typed).expanduser()
    is_path = typed.startswith(("/", "~", ".")) or typed.lower().endswith(".gguf")
    if is_path:
        return [Row("open", str(path))]
    rows = [Row("search", typed)]
    if "/" in typed.strip("/") and " " not in typed:
        rows.insert(0, Row("open", typed))
    return rows


def _next(choices: tuple[str, ...], now: str) -> str:
    return choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]
