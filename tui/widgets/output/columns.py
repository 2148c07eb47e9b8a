"""Several sequences side by side, as many as have room; one of them is the current one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import DescendantFocus
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var
from textual.widgets import Static

from tui.pieces import Kind, Piece
from tui.widgets.output.texts import Texts
from tui.widgets.output.view import OutputView

NARROWEST = 36
"""Cells of a column at least, its frame included."""
LOWEST = 8
"""Lines of a row at least, where columns have no room and rows may be."""


class Column(Vertical):
    """A view of a sequence, and what stands above it."""

    DEFAULT_CSS = """
    Column { width: 1fr; height: 1fr; }
    Column > Static { height: auto; max-height: 2; padding: 0 1; color: $text-muted; display: none; }
    """

    def __init__(self, view: OutputView) -> None:
        super().__init__()
        self.view = view
        self._caption = Static(markup=False)

    def compose(self) -> ComposeResult:
        """The view below its caption."""
        yield self._caption
        yield self.view

    def show(self, sequence: int | None, caption: str = "") -> None:
        """Show a sequence, or nothing."""
        came_back = sequence is not None and not self.view.display
        self.display = self.view.display = sequence is not None
        if sequence is not None:
            self.view.sequence = sequence
        if came_back:
            self.view.mutate_reactive(OutputView.sequence)  # what came meanwhile is to be drawn
        self._caption.display = bool(caption)
        self._caption.update(caption)


class Columns(Vertical):
    """Views of the sequences, a caption above each that has one. One alone is shown where two have no room."""

    DEFAULT_CSS = """
    Columns { height: 1fr; }
    Columns > Container { height: 1fr; layout: horizontal; }
    Columns.-rows > Container { layout: vertical; }
    Columns > .-more { height: 1; padding: 0 1; color: $text-muted; display: none; }
    """

    class Turned(Message):
        """Another sequence is the current one."""

    class Fitted(Message):
        """More or fewer of them are to be seen."""

    several: var[bool] = var(True, init=False)
    """Whether several are to be shown where they have room; else one at a time."""

    def __init__(self, placeholder: str = "", *, may_be_rows: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.texts = Texts()
        self._captions: Sequence[str] = ()
        self.hint = ""
        """How to come to those that have no room."""
        self._placeholder = placeholder
        self._may_be_rows = may_be_rows
        self._streaming = False
        self._growing: range | None = None
        self._row = Container()
        self._more = Static(markup=False, classes="-more")
        self._first = 0  # the sequence in the first column
        self._current = 0
        self._columns: list[Column] = []
        self._add_column()

    def compose(self) -> ComposeResult:
        """Columns, and how many more there are."""
        with self._row:
            yield from self._columns
        yield self._more

    # What it is told

    def start(self, prompt: str, sequences: int = 1) -> None:
        """Begin anew: so many sequences, each beginning with the prompt."""
        self.texts.start(prompt, sequences)
        self._first = self._current = 0
        self.fit()

    def extend(self, items: Iterable[tuple[int, str, Kind]]) -> None:
        """Add a batch of `(sequence, text, kind)`, drawn once."""
        self.texts.extend(items)

    def show(self, texts: Sequence[Iterable[Piece]]) -> None:
        """Show these in the place of what is there, a sequence each."""
        self.texts.show(texts)
        self.fit()

    def stream(self, streaming: bool, growing: range | None = None) -> None:
        """Whether more text is to be expected, and in which sequences (None: in all)."""
        self._streaming, self._growing = streaming, growing
        for view in self.views:
            view.streaming = streaming and (growing is None or view.sequence in growing)

    def turn(self, sequence: int) -> None:
        """Make another sequence the current one; it comes into sight."""
        sequence = min(max(0, sequence), self.count - 1)
        if sequence != self._current:
            self.current.point_at(None)
            self._current = sequence
            self.fit()
            self.post_message(self.Turned())

    def caption(self, captions: Sequence[str]) -> None:
        """What is to stand above each sequence."""
        self._captions = captions
        self.fit()

    # What it tells

    @property
    def count(self) -> int:
        """How many sequences there are."""
        return len(self.texts.documents)

    @property
    def current(self) -> OutputView:
        """The view of the current sequence."""
        return self._columns[self._current - self._first].view

    @property
    def views(self) -> list[OutputView]:
        """Those that are to be seen, from left to right."""
        return [column.view for column in self._columns if column.display]

    @property
    def room(self) -> int:
        """How many have room side by side, or one below the other; at least one."""
        columns = self.size.width // NARROWEST
        if columns < 2 and self._may_be_rows:
            return max(1, self.size.height // LOWEST)
        return max(1, columns)

    # Layout

    def fit(self) -> None:
        """Show as many as are wanted and have room, the current one among them."""
        count = self.count
        shown = min(count, self.room) if self.several else 1
        self._current = min(self._current, count - 1)
        self._first = min(max(self._first, self._current - shown + 1), self._current, count - shown)
        had_focus = any(view.has_focus for view in self.views)
        while len(self._columns) < shown:
            self._add_column()
        self.set_class(shown > 1 and self.size.width // NARROWEST < 2, "-rows")
        for number, column in enumerate(self._columns):
            sequence = self._first + number
            caption = self._captions[sequence] if sequence < len(self._captions) else ""
            column.show(sequence if number < shown else None, caption)
        self._more.display = 1 < shown < count
        self._more.update(f"{self._first + 1} to {self._first + shown} of {count} have room. {self.hint}")
        self.stream(self._streaming, self._growing)
        if had_focus and not self.current.has_focus:
            self.current.focus()

    def _add_column(self) -> None:
        column = Column(OutputView(self._placeholder, self.texts, id=None if self._columns else "output"))
        self._columns.append(column)
        if self.is_attached:
            self._row.mount(column)

    def watch_several(self) -> None:
        self.fit()
        self.post_message(self.Fitted())

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if changed:  # a resize is not told every time, see the view
            self.call_later(self._refit)
        return changed

    def _refit(self) -> None:
        self.fit()
        self.post_message(self.Fitted())

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The column with the focus is the current one."""
        if isinstance(event.widget, OutputView) and event.widget.display:
            self.turn(event.widget.sequence)
