"""One line at the foot of a pane to find something in it, while it is typed and while the text still grows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.finding import places
from tui.widgets.settings_panel.safe_input import SafeInput

_LOOK_EVERY_S = 0.25
"""How often a text that grows is searched again: a few milliseconds each time, and nothing while the bar is closed."""


class Searched(Protocol):
    """A pane that can be searched."""

    def searched_text(self) -> str:
        """Its text now."""

    def search_from(self) -> int:
        """The place in it that a new search begins at."""

    def show_found(self, starts: Sequence[int], length: int, here: int | None, *, go: bool = True) -> None:
        """Show what was found, and the place that is looked at; nothing where `starts` is empty."""


class FindBar(Horizontal):
    """Hidden until it is opened. Enter and down go on, shift+enter and up back, esc closes."""

    HELP = (
        "Finds in the prompt or in the output; the key that opened it changes between the two. Hidden until it is "
        "asked for."
    )
    DEFAULT_CSS = """
    FindBar { height: 1; display: none; background: $surface; padding: 0 1; }
    FindBar Static { width: auto; color: $text-muted; }
    FindBar .-count { min-width: 9; text-align: right; color: $text; }
    FindBar Input { border: none; height: 1; padding: 0; width: 1fr; background: $foreground 12%; margin: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="find.close", show=False),
        Binding("down", "go(1)", "next", id="find.next", show=False),
        Binding("up,shift+enter", "go(-1)", "previous", id="find.previous", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._field = SafeInput(compact=True)
        self._title = Static(markup=False)
        self._count = Static(markup=False, classes="-count")
        self._pane: Searched | None = None
        self._came_from: Widget | None = None
        self._looking: Timer | None = None
        self._text = ""
        self._starts: list[int] = []
        self._here: int | None = None
        self._from = 0

    def compose(self) -> ComposeResult:
        """Where, what, and how often it is there."""
        yield self._title
        yield self._field
        yield self._count

    @property
    def pane(self) -> Searched | None:
        """What is searched; `None` while the bar is closed."""
        return self._pane

    @property
    def told(self) -> str:
        """How often it is there, and which of these is looked at: `3 of 17`."""
        if not self._field.value:
            return ""
        if self._here is None:
            return "none" if not self._starts else f"{len(self._starts):,}"
        return f"{self._here + 1:,} of {len(self._starts):,}"

    def open(self, pane: Searched, title: str) -> None:
        """Search another pane, for what was last looked for until something else is typed."""
        if self._pane is not None and self._pane is not pane:
            self._pane.show_found((), 0, None)
        focused = self.screen.focused
        if self._pane is None or focused is not self._field:
            self._came_from = focused
        self._pane = pane
        self._title.update(title)
        self.display = True
        self._field.focus()
        self._from = pane.search_from()
        self._search()
        if self._looking is None:
            self._looking = self.set_interval(_LOOK_EVERY_S, self._look)

    def turn(self, pane: Searched) -> None:
        """Search another pane, and leave the focus where it is."""
        if self._pane is not None and self._pane is not pane:
            self._pane.show_found((), 0, None)
            self._pane = pane
            self._from = pane.search_from()
            self._search()

    def action_close(self) -> None:
        """Close, and go back to where one came from; what is looked at stays in sight."""
        if self._looking is not None:
            self._looking.stop()
            self._looking = None
        if self._pane is not None:
            self._pane.show_found((), 0, None)
            self._pane = None
        self._text, self._starts = "", []
        self.display = False
        if self._came_from is not None:
            self._came_from.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search from where one was, at every key."""
        event.stop()
        if self._pane is not None:
            self._search()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on."""
        event.stop()
        self.action_go(1)

    def action_go(self, by: int) -> None:
        """To the next place, or to the one before; beyond the last is the first."""
        self._look()
        if self._starts:
            if self._here is None:
                self._here = -1 if by > 0 else 0
            self._here = (self._here + by) % len(self._starts)
            self._from = self._starts[self._here]
            self._show()

    def _search(self) -> None:
        assert self._pane is not None
        self._text = self._pane.searched_text()
        self._starts = places(self._text, self._field.meant)
        self._here = bisect_left(self._starts, self._from) % len(self._starts) if self._starts else None
        self._show()

    def _look(self) -> None:
        """Search again if the text is another; the place that is looked at stays, and so does the view."""
        if self._pane is None or (text := self._pane.searched_text()) == self._text:
            return
        looked_at = None if self._here is None else self._starts[self._here]
        self._text = text
        self._starts = places(text, self._field.meant)
        place = bisect_left(self._starts, looked_at) if looked_at is not None else len(self._starts)
        self._here = place if place < len(self._starts) else None
        self._show(go=False)

    def _show(self, go: bool = True) -> None:
        if self._pane is not None:
            self._pane.show_found(self._starts, len(self._field.meant), self._here, go=go)
        self._count.update(self.told)
