"""The rows on the screen: one widget that draws all of them a line at a time, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.settings import PARAMETERS, Settings, contradictions
from tui.widgets.settings_panel.columns import GUTTER, Columns
from tui.widgets.settings_panel.row_cells import PARTS, Cells, other_cells, setting_cells
from tui.widgets.settings_panel.rows import (
    FoldRow,
    Refusal,
    RefusalRow,
    Row,
    SettingRow,
    row_name,
    selectable,
    with_refusals,
)


class RowList(ScrollView, can_focus=True):
    """Draws the rows it is given and moves the highlight among them; what a row is for, the panel knows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"settings-rows--{part}" for part in (*PARTS, "highlighted", "moved", "waiting")
    }
    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        .settings-rows--bar { color: $text-muted; }
        .settings-rows--mark { color: $text-accent; }
        .settings-rows--title { color: $foreground 85%; }
        .settings-rows--value { color: $foreground; text-style: bold; }
        .settings-rows--off { color: $text-muted; text-style: bold; }
        .settings-rows--filled { color: $primary; }
        .settings-rows--idle { color: $foreground 30%; }
        .settings-rows--track { color: $foreground 15%; }
        .settings-rows--live { color: $success 70%; }
        .settings-rows--next-run { color: $text-muted; }
        .settings-rows--hint { color: $text-muted; }
        .settings-rows--heading { color: $foreground 45%; }
        .settings-rows--fold { color: $text-muted; }
        .settings-rows--key { color: $primary; }
        .settings-rows--empty { color: $text-muted; }
        .settings-rows--moved { color: $text-accent; text-style: bold underline; }
        .settings-rows--waiting { color: $foreground 35%; }
        .settings-rows--refusal { color: $text-error; }
        .settings-rows--highlighted { background: $foreground 5%; }
        &:focus {
            .settings-rows--highlighted { background: $primary 22%; }
            .settings-rows--bar { color: $primary; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Setting above", show=False, id="settings.up"),
        Binding("down", "move(1)", "Setting below", show=False, id="settings.down"),
        Binding("pageup", "page(-1)", "Settings a page up", show=False, id="settings.page-up"),
        Binding("pagedown", "page(1)", "Settings a page down", show=False, id="settings.page-down"),
        Binding("home", "edge(0)", "First setting", show=False, id="settings.first"),
        Binding("end", "edge(-1)", "Last setting", show=False, id="settings.last"),
    ]

    running: reactive[bool] = reactive(False)
    """Whether a run is on: what waits for the next one is dimmed."""

    @dataclass
    class Highlighted(Message):
        """The highlight moved to another row."""

        row: Row | None

    @dataclass
    class Slid(Message):
        """The mouse was put on a slider, at this fraction of its width."""

        name: str
        fraction: float

    @dataclass
    class Pressed(Message):
        """A row was clicked; `twice` for a double click."""

        row: Row
        twice: bool

    @dataclass
    class Relaid(Message):
        """The list has another size, so what lies over it must be put in its place again."""

    def __init__(self, settings: Settings, hints: Mapping[str, str]) -> None:
        super().__init__()
        self.held = False
        """While True the wheel does nothing: an editor lies over one of the rows."""
        self.lines: list[Row] = []
        self._settings = settings
        self._hints = hints
        self._rows: list[Row] = []
        self._refusal: Refusal | None = None
        self._moved: frozenset[str] = frozenset()
        self._at = 0
        self._sliding: str | None = None
        self._titles = max(cell_len(parameter.title) for parameter in PARAMETERS.values())
        self._hint_width = max(map(cell_len, hints.values()), default=0)

    @property
    def highlighted(self) -> Row | None:
        """The row under the highlight."""
        return self.lines[self._at] if self._at < len(self.lines) else None

    @property
    def columns(self) -> Columns:
        """The columns at the present width."""
        return Columns.fitted(self._width, self._titles, self._hint_width)

    @property
    def allow_vertical_scroll(self) -> bool:
        """Held still while a row is edited."""
        return not self.held and super().allow_vertical_scroll

    @property
    def _width(self) -> int:
        # One cell is always left to the scroll bar, so that nothing shifts when it comes.
        return max(self.outer_size.width - 1, 0)

    # What is shown

    def lay_out(self, rows: Sequence[Row], refusal: Refusal | None = None) -> None:
        """Show these rows; the highlight stays on its row where that is still there."""
        self._rows = list(rows)
        self._refusal = refusal
        before = self.highlighted
        told = [refusal] if refusal else [Refusal(*pair) for pair in contradictions.idle(self._settings).items()]
        self.lines = with_refusals(self._rows, told, self._width - GUTTER - 2)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.lines))
        self._at = self._place_of(before)
        self.refresh()
        if self.highlighted != before:
            self.post_message(self.Highlighted(self.highlighted))

    def show_values(self, settings: Settings, moved: Collection[str]) -> None:
        """Show these values and mark the `moved` ones; only the lines that look different are drawn again."""
        stale = set(moved) ^ self._moved | set(moved) | set(self._settings.differences(settings))
        before, self._settings = self._settings, settings
        self._moved = frozenset(moved)
        if contradictions.idle(before) != contradictions.idle(settings):
            self.lay_out(self._rows, self._refusal)
            return
        for place, row in enumerate(self.lines):
            if isinstance(row, FoldRow) or row_name(row) in stale:
                self.refresh_line(place)

    def highlight(self, name: str) -> bool:
        """Put the highlight on a parameter's row; False where it has none now."""
        for place, row in enumerate(self.lines):
            if row_name(row) == name:
                self._go(place)
                return True
        return False

    def row_region(self, name: str) -> Region | None:
        """Where a parameter's row is on the screen; None where it is not in view."""
        for place, row in enumerate(self.lines):
            y = place - self.scroll_offset.y
            if row_name(row) == name and 0 <= y < self.scrollable_content_region.height:
                inside = self.scrollable_content_region
                return Region(inside.x, inside.y + y, self._width, 1)
        return None

    def reveal(self) -> None:
        """Scroll so far that the highlighted row and what is said under it are in view."""
        below = self._at + 1
        while below < len(self.lines) and isinstance(self.lines[below], RefusalRow):
            below += 1
        self.scroll_to_region(Region(0, self._at, self._width, below - self._at), animate=False, force=True)

    def _place_of(self, before: Row | None) -> int:
        """The line of the row that was highlighted; the fold counts as the same one, open or shut."""
        for place, row in enumerate(self.lines):
            if row == before or (isinstance(row, FoldRow) and isinstance(before, FoldRow)):
                return place
        return next((place for place, row in enumerate(self.lines) if selectable(row)), 0)

    def _go(self, place: int) -> None:
        if place != self._at:
            self.refresh_line(self._at)
            self._at = place
            self.refresh_line(place)
            self.post_message(self.Highlighted(self.highlighted))
        self.reveal()

    def watch_running(self) -> None:
        """What waits for the next run looks different during one."""
        self.refresh()

    def on_resize(self) -> None:
        """Another width wraps differently."""
        self.lay_out(self._rows, self._refusal)
        self.reveal()
        self.post_message(self.Relaid())

    # Keys and mouse

    def action_move(self, by: int) -> None:
        """Highlight the next row up or down that can be."""
        place = self._at + by
        while 0 <= place < len(self.lines):
            if selectable(self.lines[place]):
                self._go(place)
                return
            place += by
        # A heading above the first row has no highlight to bring it into view.
        self.scroll_to(y=0 if by < 0 else self.max_scroll_y, animate=False)

    def action_page(self, by: int) -> None:
        """Highlight the row that is a page away."""
        far = self._at + by * max(self.size.height - 1, 1)
        places = [place for place, row in enumerate(self.lines) if selectable(row)]
        if places:
            self._go(min(places, key=lambda place: abs(place - far)))

    def action_edge(self, end: int) -> None:
        """Highlight the first or the last row."""
        places = [place for place, row in enumerate(self.lines) if selectable(row)]
        if places:
            self._go(places[end])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Highlight the row, and take hold of its slider where the mouse is on it."""
        place = event.y + self.scroll_offset.y
        if event.button == 1 and place < len(self.lines) and selectable(self.lines[place]):
            self._go(place)
            if name := self._slider_under(place, event.x):
                self._sliding = name
                self.capture_mouse()
                self._slide(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pull the slider that is held."""
        self._slide(event.x)

    def on_mouse_up(self) -> None:
        """Let the slider go."""
        if self._sliding:
            self._sliding = None
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Tell the panel of a click on a row; one on a slider has already been obeyed."""
        place = event.y + self.scroll_offset.y
        row = self.lines[place] if place < len(self.lines) else None
        if row and selectable(row) and not self._slider_under(place, event.x):
            self.post_message(self.Pressed(row, event.chain == 2))

    def _slider_under(self, place: int, x: int) -> str | None:
        row = self.lines[place]
        slides = isinstance(row, SettingRow) and row.parameter.span is not None and self.columns.on_slider(x)
        return row_name(row) if slides else None

    def _slide(self, x: int) -> None:
        if self._sliding:
            self.post_message(self.Slid(self._sliding, self.columns.fraction(x)))

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line, whatever the number of rows."""
        place = y + self.scroll_offset.y
        width = self.size.width
        base = self.visual_style.rich_style
        if place >= len(self.lines):
            return Strip.blank(width, base)
        row = self.lines[place]
        lit = place == self._at and selectable(row)
        waiting = self.running and isinstance(row, SettingRow) and not row.parameter.live
        moved = row_name(row) in self._moved
        segments = []
        for part, text in self._cells(row, lit):
            names = [*(["highlighted"] if lit else []), part]
            if waiting and part not in ("bar", "mark", "track"):
                names.append("waiting")
            if moved and part in ("value", "off"):
                names.append("moved")
            segments.append(Segment(text, self._style(*names)))
        filler = self._style("highlighted") if lit else base
        return Strip(segments).adjust_cell_length(width, filler)

    def _style(self, *parts: str) -> Style:
        return self.get_visual_style(*(f"settings-rows--{part}" for part in parts)).rich_style

    def _cells(self, row: Row, lit: bool) -> Cells:
        if not isinstance(row, SettingRow):
            return other_cells(row, self._settings, self._width, highlighted=lit)
        name = row.parameter.name
        hint = self._hints.get(name, "")
        value = getattr(self._settings, name)
        return setting_cells(row.parameter, value, self.columns, hint=hint, highlighted=lit)
