"""The list of models: what is on this machine by where it lies, what the hub found, and what can be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from engine.quantities import bytes_text
from engine.safe_text import safe_text
from engine.text_files import shown_path
from tui.widgets.entry_list import told_time

if TYPE_CHECKING:
    from engine.models.catalogue import Entry

PLACES = {
    "embedded": "With the program",
    "recent": "Loaded lately",
    "folder": "Folders",
    "gguf": "Files",
    "cache": "Fetched from the hub",
    "adapter": "LoRA adapters, put over the loaded model",
    "hub": "On the hub",
}
"""Kind of an entry -> the heading that it stands under, in this order."""

_QUIET = "$foreground 62%"


@dataclass(frozen=True, slots=True)
class Row:
    """A line that can be chosen: a model, a name to be loaded or fetched as it was typed, a search of the hub."""

    what: Literal["model", "open", "search"]
    name: str
    entry: Entry | None = None


class ModelList(OptionList, can_focus=False):
    """Draws the rows under headings; the typing beside it decides which there are."""

    HELP = (
        "All models at hand: the one that comes with the program, those loaded lately, folders and files, what the "
        "hub's cache holds, LoRA adapters. Typing narrows the list; a path or a name can be typed whole; the last line "
        "searches the hub, and nothing is sent before that. Beside it: what a model is, and whether it has room."
    )
    DEFAULT_CSS = """
    ModelList { border: none; height: 1fr; background: transparent; padding: 0; scrollbar-size-vertical: 1; }
    ModelList { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    @dataclass
    class Looked(Message):
        """Another row is under the highlight."""

        row: Row | None

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._rows: dict[str, Row] = {}

    @property
    def row(self) -> Row | None:
        """The row under the highlight."""
        option = self.highlighted_option
        return self._rows.get(option.id or "") if option else None

    def show(self, entries: Sequence[Entry], asked: Sequence[Row], loaded: str, go_to: str = "") -> None:
        """Show these models, the one that is `loaded` marked, and what was `asked` for below; the highlight goes to the
        row of a name, else it stays on its own where that is still there.
        """
        name = go_to or (self.row.name if self.row else "")
        options = list(self._made(entries, asked, loaded))
        self.clear_options()
        self.add_options(options)
        places = [place for place, option in enumerate(options) if not option.disabled]
        same = [place for place in places if self._rows[options[place].id or ""].name == name]
        self.highlighted = next(iter(same or places), None)
        self.post_message(self.Looked(self.row))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what it is now."""
        event.stop()
        self.post_message(self.Looked(self.row))

    def _made(self, entries: Sequence[Entry], asked: Sequence[Row], loaded: str) -> Iterator[Option]:
        self._rows = {}
        for kind, heading in PLACES.items():
            of_kind = [entry for entry in entries if entry.kind == kind]
            if of_kind:
                yield Option(Content.styled(heading, _QUIET), disabled=True)
            for entry in of_kind:
                yield self._option(Row("model", entry.name, entry), _line(entry, entry.name == loaded))
        if asked:
            yield Option(Content.styled("As typed", _QUIET), disabled=True)
        for row in asked:
            what = {"open": "load", "search": "search the hub for"}.get(row.what, "")
            yield self._option(row, Content.assemble((f"  {what} ", "$primary"), safe_text(row.name)))

    def _option(self, row: Row, line: Content) -> Option:
        id = f"row-{len(self._rows)}"
        self._rows[id] = row
        return Option(line, id=id)


def _line(entry: Entry, loaded: bool) -> Content:
    sign = "▶" if loaded else "✗" if entry.problem else " "
    name, facts = entry.name, [entry.family, bytes_text(entry.size_bytes) if entry.size_bytes else ""]
    if entry.last_used and entry.kind in ("cache", "recent"):
        facts.append(told_time(datetime.fromtimestamp(entry.last_used)))
    if name.startswith("/"):  # of a path the end is what tells it from others
        name = Path(name).name
        facts.append(f"in {shown_path(Path(entry.name).parent)}")
    told = " · ".join(safe_text(fact) for fact in facts if fact)
    style = "$text-error" if entry.problem else "bold" if loaded else ""
    return Content.assemble((f"{sign} ", "$primary"), (safe_text(name), style), (f"  {told}", _QUIET))
