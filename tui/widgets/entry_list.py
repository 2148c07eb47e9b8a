"""Transcripts in lines: what each is called, which model, how long, when. Drawn a line at a time, however many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.safe_text import safe_text
from engine.session.library import Entry

_MODEL, _LENGTH, _DATE = 14, 15, 12
_WIDE = 96
"""Cells of a line that has room for the model's name."""


class EntryList(ScrollView, can_focus=True):
    """Draws entries and moves the highlight among them."""

    HELP = (
        "The transcripts of all sessions, the newest first. What is typed is searched for in all of their texts: those "
        "that have every word of it stay. A name keeps one for good; the others may be thinned by age (keep_days)."
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"entries--{part}" for part in ("title", "name", "detail", "cut", "highlighted", "empty")
    }
    DEFAULT_CSS = """
    EntryList {
        height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1;
        .entries--title { color: $foreground; }
        .entries--name { color: $foreground; text-style: bold; }
        .entries--detail { color: $text-muted; }
        .entries--cut { color: $text-warning; }
        .entries--empty { color: $text-muted; }
        .entries--highlighted { background: $primary 25%; }
    }
    EntryList:nocolor { .entries--highlighted { text-style: reverse; } }
    """

    @dataclass
    class Highlighted(Message):
        """Another entry is under the highlight."""

        entry: Entry | None

    @dataclass
    class Chosen(Message):
        """An entry was clicked twice."""

        entry: Entry

    def __init__(self, *, own: Path | None = None) -> None:
        """`own` is the transcript that this session writes."""
        super().__init__()
        self.own = own
        self.entries: Sequence[Entry] = ()
        self._nothing: Sequence[str] = ()
        self._at = 0

    @property
    def highlighted(self) -> Entry | None:
        """The entry under the highlight."""
        return self.entries[self._at] if self._at < len(self.entries) else None

    def show(self, entries: Sequence[Entry], nothing: str = "") -> None:
        """Show these, or the lines of `nothing` where there are none; the highlight stays on its entry, else where it
        is.
        """
        before = self.highlighted
        self.entries, self._nothing = entries, nothing.split("\n")
        self._at = max(0, min(self._at, len(entries) - 1))
        if before is not None:
            self._at = next((place for place, entry in enumerate(entries) if entry.path == before.path), self._at)
        self.virtual_size = Size(self.scrollable_content_region.width, len(entries))
        self.refresh()
        self._reveal()
        self.post_message(self.Highlighted(self.highlighted))

    def move(self, by: int) -> None:
        """Highlight the entry so many lines below (above where negative), or the last that there is."""
        self._go(self._at + by)

    def page(self, by: int) -> None:
        """The same by pages."""
        self.move(by * max(self.size.height - 1, 1))

    def _go(self, place: int) -> None:
        place = max(0, min(place, len(self.entries) - 1))
        if place != self._at:
            self._at = place
            self.refresh()
            self.post_message(self.Highlighted(self.highlighted))
        self._reveal()

    def _reveal(self) -> None:
        self.scroll_to_region(Region(0, self._at, 1, 1), animate=False, force=True)

    def on_resize(self) -> None:
        """The highlight stays in view."""
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        """Highlight; twice on the same one takes it."""
        place = event.y + self.scroll_offset.y
        if place >= len(self.entries):
            return
        self._go(place)
        if event.chain == 2:
            self.post_message(self.Chosen(self.entries[place]))

    def render_line(self, y: int) -> Strip:
        """One entry."""
        place, width = y + self.scroll_offset.y, self.size.width
        base = self.visual_style.rich_style
        if not self.entries and y < len(self._nothing):
            style = self.get_visual_style("entries--empty").rich_style
            return Strip([Segment(set_cell_size(safe_text(self._nothing[y]), width), style)])
        if place >= len(self.entries):
            return Strip.blank(width, base)
        lit = ("entries--highlighted",) if place == self._at else ()
        return Strip(
            Segment(text, self.get_visual_style(*lit, f"entries--{part}").rich_style)
            for text, part in self._cells(self.entries[place], width)
        )

    def _cells(self, entry: Entry, width: int) -> list[tuple[str, str]]:
        """(text, part) of a line, as wide as the list."""
        known = entry.digest
        cells = [(" ", "detail"), ("", "name" if entry.name else "title"), ("  ", "detail")]
        if width >= _WIDE:
            cells.append((_fitted(safe_text(known.model), _MODEL), "detail"))
        state = "this session" if entry.path == self.own else "cut off" if known.tokens and not known.ended else ""
        length = f"{known.tokens:,} token{'' if known.tokens == 1 else 's'}"
        if width >= _WIDE or not state:
            cells.append((f"{length:>{_LENGTH}}", "detail"))
        if width >= _WIDE:
            state = f"{state:>14}"
        if state:
            cells.append((state if width >= _WIDE else f"{state:>{_LENGTH}}", "cut"))
        cells.append((f"{told_time(entry.time):>{_DATE + 1}} ", "detail"))
        room = max(width - sum(cell_len(text) for text, _ in cells), 0)
        cells[1] = (_fitted(safe_text(entry.title) or "(nothing but blanks)", room), cells[1][1])
        return cells


def told_time(time: datetime) -> str:
    """When, as short as it can be told: `10:03` today, `Nov 23 10:03` this year, else the date."""
    now = datetime.now()
    if time.date() == now.date():
        return f"{time:%H:%M}"
    return f"{time:%b %d %H:%M}" if time.year == now.year else f"{time:%Y-%m-%d}"


def _fitted(text: str, width: int) -> str:
    """The text in so many cells, its end an ellipsis where it has no room."""
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)) + "…"
