"""The widget: follows the end, keeps the reader's place, and redraws no more than what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive, var
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from engine.text_counts import TextCount
from tui.colouring import Shade
from tui.pieces import Kind, Piece
from tui.widgets.output.document import Document
from tui.widgets.output.found import Found, Range
from tui.widgets.output.looks import COMPONENTS, CSS, painter, placeholder_row
from tui.widgets.output.out_of_sight import rows, veiled
from tui.widgets.output.painting import Painter
from tui.widgets.output.selecting import selected_range
from tui.widgets.output.shading import Shading, shades_of
from tui.widgets.output.texts import Texts
from tui.widgets.output.wrapping import Line, Wrapped

# Cells of a line at most: longer ones are hard to read.
MEASURE = 100
_Key = tuple[Line, tuple[int, int] | None, tuple[Range, ...], tuple[Shade, ...]]
"""All that a strip is made of."""


class OutputView(ScrollView, can_focus=True):
    """Shows the text of one of several sequences while it is being written."""

    HELP = (
        "The prompt, dim, then what the model wrote; what you wrote into it is underlined. A bar ┊ before and "
        "behind marks where a setting changed, one at the right edge what the model no longer sees. Between ‹ and "
        "› stands where the best beam has come to: it may yet fall away, and is no part of the text. Coloured, a "
        "token has the look that the line below gives its class. Drag with the mouse to select. While you have "
        "scrolled up, new text leaves you where you are."
    )
    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = CSS

    class Pointed(Message):
        """A click on the text: the raw character there, prompt counted and marks not."""

        def __init__(self, character: int) -> None:
            super().__init__()
            self.character = character

    sequence: reactive[int] = reactive(0, init=False)
    """The sequence that is shown, from 0; a number out of range means the nearest there is."""
    streaming: reactive[bool] = reactive(False, init=False)
    """Whether more text is to be expected; a cursor stands at the end then."""
    following: var[bool] = var(True, init=False)
    """Whether the view stays at the end as text is added. Scrolling decides it."""

    def __init__(self, placeholder: str = "", texts: Texts | None = None, *, id: str | None = None) -> None:
        """`placeholder` is the hint shown, centred, while there is nothing else; `texts` are shared with other views,
        each of which shows another sequence.
        """
        super().__init__(id=id)
        self._placeholder = placeholder
        self.texts = texts or Texts()
        self.texts.show_in(self)
        self._limit = 0  # cells a line may take; 0 until the size is known
        self._painter: Painter | None = None
        self._strips: LRUCache[_Key, Strip] = LRUCache(512)
        self._found: Found | None = None
        self._pointed: Found | None = None
        self._shading: Shading | None = None
        # The row that a resize put at the top, and the position in the text that it was chosen for.
        self._place: tuple[int, int] | None = None

    # What it is told

    def start(self, prompt: str, sequences: int = 1) -> None:
        """Begin anew: `sequences` sequences, at least one, each beginning with the prompt."""
        self.texts.start(prompt, sequences)

    def add(self, sequence: int, text: str, kind: Kind = "model") -> None:
        """Add raw text at the end of a sequence, or a mark by its label."""
        self.extend([(sequence, text, kind)])

    def extend(self, items: Iterable[tuple[int, str, Kind]]) -> None:
        """Add a batch of `(sequence, text, kind)`, drawn once."""
        self.texts.extend(items)

    def foretell(self, tails: Sequence[str]) -> None:
        """Draw at the end of each sequence what may come next, in the place of what was foretold before.

        It is no part of the text: not copied, not searched, and gone when text comes that says otherwise.
        """
        self.texts.foretell(tails)

    def show(self, texts: Sequence[Iterable[Piece]]) -> None:
        """Show these in the place of what is there, a sequence each, marks by their labels.

        What a text begins with in common with the one before it is neither laid out nor drawn again.
        """
        self.texts.show(texts)

    def begin_anew(self) -> None:
        """All sequences are others than before."""
        self.following = True
        self.set_reactive(OutputView.sequence, 0)
        self.mutate_reactive(OutputView.sequence)

    def keep_up(self, changed: Sequence[bool] = ()) -> None:
        """Text was added, or, where it is `changed`, taken away."""
        self.sequence = self.sequence  # there may be fewer than before
        if changed and changed[self.sequence]:
            self._forget_selection()
        self._update()

    @property
    def above(self) -> int | None:
        """Characters of the shown text that have been scrolled out of sight; None where the end is followed."""
        wrapped = self._wrapped
        if self.following or wrapped is None:
            return None
        return len(wrapped.text_between(0, wrapped.lines[min(round(self.scroll_y), len(wrapped.lines) - 1)].start))

    def dim(self, sequence: int, start: int, end: int) -> None:
        """Draw the characters `start` to `end` as out of the model's sight, prompt counted and marks not."""
        self.texts.hide(sequence, start, end)

    def keep_up_sight(self, sequence: int, before: tuple[int, int]) -> None:
        """The model sees more or less of a sequence than `before`."""
        wrapped = self._wrapped
        if wrapped is not None and sequence == self.sequence:
            changed = rows(before, self._shown.hidden)
            if changed:
                self._refresh_rows(wrapped.line_at(changed[0]), wrapped.line_at(changed[1]) + 1)

    # What it tells

    @property
    def sequences(self) -> int:
        """How many sequences there are."""
        return len(self.texts.documents)

    def text(self, sequence: int | None = None, *, prompt: bool = True) -> str:
        """The raw text of a sequence (of the one shown, if none is named), with or without the prompt."""
        return self.texts.document(self.sequence if sequence is None else sequence).text(prompt=prompt)

    @property
    def written(self) -> TextCount:
        """Words and characters that follow the prompt in the sequence shown."""
        return self._shown.written

    def pieces(self, sequence: int) -> list[Piece]:
        """What a sequence is made of: its prompt, what was written, marks."""
        return list(self.texts.document(sequence).pieces)

    # Being searched

    def searched_text(self) -> str:
        """The text of the sequence shown."""
        return self.text()

    def search_from(self) -> int:
        """Where a search begins: at what is at the top, so that what is in sight is found there."""
        wrapped = self._wrapped
        if wrapped is None:
            return 0
        row = min(self.scroll_offset.y, len(wrapped.lines) - 1)
        return len(wrapped.text_between(0, wrapped.lines[row].start))

    def show_found(self, starts: Sequence[int], length: int, here: int | None, *, go: bool = True) -> None:
        """Mark what was found in the searched text, and bring the place `here` into sight if it is to `go` there."""
        found = Found(self._shown.pieces, starts, length, here) if starts else None
        if found != self._found:
            self._found = found
            self.refresh()
        if go and found is not None and found.here is not None:
            self._bring_into_sight(found.here)

    def point_at(self, start: int | None, end: int = 0) -> None:
        """Put the token cursor on these characters, prompt counted and marks not; on None it is let go of.

        What has no length is shown by the character that follows it.
        """
        pieces = self._shown.pieces
        self._pointed = None if start is None else Found(pieces, [start], max(1, end - start), 0)
        self.refresh()
        if self._pointed is not None and self._pointed.here is not None:
            self._bring_into_sight(self._pointed.here)

    def shade(self, shading: Shading | None) -> None:
        """Draw the classes that this tells of the text as it is drawn; call again where it tells something else."""
        self._shading = shading
        self.refresh()

    def _bring_into_sight(self, position: int) -> None:
        wrapped = self._wrapped
        if wrapped is not None:
            row, top, height = wrapped.line_at(position), self.scroll_offset.y, self.size.height
            if not top <= row < top + height:
                self.scroll_to(y=max(0, row - height // 3), animate=False)

    def on_click(self, event: events.Click) -> None:
        """Say where the text was clicked."""
        wrapped, offset = self._wrapped, event.get_content_offset(self)
        if wrapped is None or offset is None or self.text_selection is not None:
            return
        row = self.scroll_offset.y + offset.y
        if row < len(wrapped.lines):
            position = wrapped.position(wrapped.lines[row].start, offset.x)
            self.post_message(self.Pointed(len(wrapped.text_between(0, position))))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected raw text, in logical lines and without marks, and what ends it."""
        wrapped = self._wrapped
        if wrapped is None:
            return None
        return wrapped.text_between(*selected_range(wrapped, selection)), "\n"

    @property
    def _shown(self) -> Document:
        return self.texts.documents[self.sequence]

    @property
    def _wrapped(self) -> Wrapped | None:
        """The lines of the sequence shown, or `None` while the width is not known or nobody is to see them."""
        return self._shown.wrapped(self._limit) if self._limit and self.display else None

    # Watching

    def validate_sequence(self, sequence: int) -> int:
        return min(max(0, sequence), len(self.texts.documents) - 1)

    def watch_sequence(self) -> None:
        self._place = self._pointed = None
        self._forget_selection()
        self._update(everything=True)

    def watch_streaming(self) -> None:
        wrapped = self._wrapped
        if wrapped is None or self._shown.is_empty:
            self.refresh()
        else:
            self._refresh_rows(len(wrapped.lines) - 1, len(wrapped.lines))

    def watch_scroll_target_y(self, target: float) -> None:
        # Where the scrolling is bound for, not where it is: text that arrives while an animation leaves the
        # end must not pull it back.
        self.following = target >= self.max_scroll_y

    def watch_show_vertical_scrollbar(self, show: bool) -> None:
        if show:  # It was not there to be told when the first text ran over the edge.
            self.vertical_scrollbar.position = self.scroll_y

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter = None
        self._strips.clear()

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    @property
    def _fitting(self) -> int:
        # One column is kept free, so that the cursor has a place behind a full line.
        return min(max(2, self.scrollable_content_region.width - 1), MEASURE)

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if changed and self._limit and self._fitting != self._limit:
            # Textual tells of no new size that it came to know between a scroll and the layout.
            self.post_message(events.Resize(size, virtual_size, container_size))
        return changed

    def on_resize(self, event: events.Resize) -> None:
        limit = self._fitting
        self._strips.clear()
        row = round(self.scroll_y)
        wrapped = self._wrapped
        if limit == self._limit or wrapped is None or self.following:
            self._limit = limit
            self._update(everything=True)
            return
        # Sizes come many at a time while a window is dragged: the place is taken from the first of them.
        position = self._place[1] if self._place and self._place[0] == row else wrapped.lines[row].start
        self._limit = limit
        wrapped = self._shown.wrapped(limit)
        row = wrapped.line_at(position)
        self._place = (row, position)
        self._update(everything=True, row=row)

    # Keeping up

    def _update(self, *, everything: bool = False, row: int | None = None) -> None:
        """Fit size, scrolling and screen to the document; `row` is to be at the top, if given."""
        wrapped = self._wrapped
        if wrapped is None:
            return
        first = 0 if everything else wrapped.dirty
        wrapped.dirty = len(wrapped.lines)
        # Height 0 stands for the placeholder, which is not scrolled.
        count = 0 if self._shown.is_empty else len(wrapped.lines)
        before = self.virtual_size.height
        if not everything and first >= count == before:
            return
        if everything or not count or not before:
            self.refresh()
        else:
            self._refresh_rows(first, max(count, before))
        self.virtual_size = Size(self._limit + 1, count)
        bottom = self.max_scroll_y
        if self.following or (row is None and self.scroll_target_y > bottom):
            row = bottom
        # Otherwise hands off: the reader may be scrolling at this very moment.
        if row is not None and not row == self.scroll_target_y == self.scroll_y:
            # By force: the scroll bar that would allow it appears only with the next layout.
            self.scroll_to(y=row, animate=False, force=True)

    def _refresh_rows(self, start: int, end: int) -> None:
        """Redraw rows `start` to `end` of the text, as far as they are in sight."""
        top = self.scroll_offset.y
        start, end = max(start, top), min(end, top + self.size.height)
        if start < end:
            self.refresh_lines(start, end - start)

    def _forget_selection(self) -> None:
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Row `y` of what is in sight."""
        width = self.size.width
        wrapped = self._wrapped
        if wrapped is None:
            return Strip.blank(width, self.rich_style)
        if self._shown.is_empty and not self.streaming:
            return placeholder_row(self, self._placeholder, y)
        if self._painter is None:
            self._painter = painter(self)
        row = self.scroll_offset.y + y
        if row >= len(wrapped.lines):
            return self._painter.blank(width, wrapped.length)
        line = wrapped.lines[row]
        strip = self._strip(wrapped, row, width)
        hidden = self._shown.hidden
        style = Style(color=self.get_component_rich_style("output--hidden").color)
        coloured = self._shading is not None
        return veiled(strip, line, hidden, wrapped.limit, style, coloured=coloured) if hidden[1] else strip

    def _strip(self, wrapped: Wrapped, row: int, width: int) -> Strip:
        """A line as it is, whether the model sees it or not."""
        assert self._painter is not None
        line = wrapped.lines[row]
        selected = self._selected_in(wrapped, line)
        marked = self._pointed or self._found
        found = marked.between(line.start, line.start + line.length) if marked else ()
        shades = shades_of(line, self._shown, self.sequence, self._shading) if self._shading else ()
        if self.streaming and row == len(wrapped.lines) - 1:
            return self._painter.line(line, width, selected, wrapped.limit, found, shades)
        # The key holds all that the strip is made of, so nothing goes stale when text is added or taken away.
        key = (line, selected, found, shades)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._painter.line(line, width, selected, found=found, shades=shades)
        return strip

    def _selected_in(self, wrapped: Wrapped, line: Line) -> tuple[int, int] | None:
        selection = self.text_selection
        if selection is None:
            return None
        low, high = selected_range(wrapped, selection)
        low, high = max(low, line.start), min(high, line.start + line.length)
        return (low, high) if low < high else None
