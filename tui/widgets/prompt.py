"""The prompt: an editor of several lines, with the number of tokens and what is left of the model's positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.document._document import Document
from textual.message import Message
from textual.widgets.text_area import EditResult, Location, Selection

from engine.text_counts import TextCount
from engine.window import Window
from tui.widgets.counts import ENDS, counts_line, plural
from tui.widgets.safe_editor import SafeEditor

MOST = 1_000_000
"""Characters of a prompt at most."""
LONGEST_LINE = 50_000
"""Characters of one line at most: the editor wraps a line anew with every key, and would lag behind a longer one."""
_RAW, _CHAT = "Prompt", "Prompt · chat"
_TYPED = 1000  # an insertion up to this length is not worth a look at the whole


class PromptPane(SafeEditor):
    """What the model writes on from, within what the editor can bear."""

    HELP = (
        "What the model writes on from, as it stands; in a chat a conversation, whose turns begin with a line user:, "
        "assistant: or system: (\\user: is such a line as text). Below it its tokens are counted, with what the "
        "model has left. Tab goes to the next pane."
    )
    DEFAULT_CSS = """
    PromptPane {
        border: round $border-blurred;
        border-title-color: $primary;
        border-subtitle-color: $text-muted;
        background: transparent;
        padding: 0 1;
        &:focus { border: round $border; }
    }
    """

    @dataclass
    class Refused(Message):
        """A text that was not taken, and why in one line."""

        why: str

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.border_title = _RAW
        self._counts: tuple[int | None, int | None, TextCount, bool] | None = None
        self._found_here: tuple[Location, Location] | None = None
        self.completions: Sequence[str] = ()
        """Names that a prompt may begin with, completed as one types."""

    @property
    def chat(self) -> bool:
        """Whether it is told that the prompt is a conversation."""
        return bool(self.border_title == _CHAT)

    @chat.setter
    def chat(self, chat: bool) -> None:
        self.border_title = _CHAT if chat else _RAW

    def get_line(self, line_index: int) -> Text:
        """The line as it is drawn, with what was found in it."""
        line = super().get_line(line_index)
        if self._found_here is not None:
            (first, start), (last, end) = self._found_here
            if first <= line_index <= last:
                # Where colours cannot tell it, the selection alone would not be seen.
                line.stylize("bold underline", start if line_index == first else 0, end if line_index == last else None)
        return line

    def begin_with(self, name: str, names: Sequence[str]) -> None:
        """Put a name at the head of the prompt, in the place of one of the names that stands there."""
        head, _, rest = self.text.partition(" ")
        self.put(f"{name} {rest if head in names else self.text}" if self.text else f"{name} ")

    def put(self, text: str) -> None:
        """Put a text in the place of the whole prompt; it can be taken back."""
        self._replace_via_keyboard(text, (0, 0), self.document.end)

    def insert_text(self, text: str) -> bool:
        """Insert a text as a paste does: at the cursor, in the place of the selection. False where it is refused."""
        done = self._replace_via_keyboard(text, *self.selection)
        if done is not None:
            self.move_cursor(done.end_location)
        return done is not None

    def _replace_via_keyboard(self, insert: str, start: Location, end: Location) -> EditResult | None:
        """Every key, paste and insertion passes here."""
        if len(insert) > _TYPED and (why := self._too_much(insert, start, end)):
            self.post_message(self.Refused(why))
            return None
        return super()._replace_via_keyboard(insert, start, end)

    def _too_much(self, insert: str, start: Location, end: Location) -> str:
        """Why a text is not to be inserted; empty where it may be."""
        (_, before), (row, after) = sorted((start, end))
        whole = len(self.text) - len(self.get_text_range(start, end)) + len(insert)
        if whole > MOST:
            return f"The prompt would have {whole:,} characters and takes {MOST:,}: nothing was inserted."
        lines = insert.splitlines() or [""]
        longest = max(map(len, lines)) + (before + len(self.document[row]) - after if len(lines) == 1 else 0)
        if longest > LONGEST_LINE:
            return f"A line of {longest:,} characters; the prompt takes {LONGEST_LINE:,} in one: nothing was inserted."
        return ""

    def select_span(self, start: int, end: int) -> None:
        """Select the characters from `start` to `end`."""
        assert isinstance(self.document, Document)
        location = self.document.get_location_from_index
        self.selection = Selection(location(start), location(end))

    # Being searched

    def searched_text(self) -> str:
        """All of it."""
        return self.text

    def search_from(self) -> int:
        """Where a search begins: at the cursor, or at what is selected."""
        assert isinstance(self.document, Document)
        return self.document.get_index_from_location(min(self.selection))

    def show_found(self, starts: Sequence[int], length: int, here: int | None, *, go: bool = True) -> None:
        """Select what was found at the place `here`."""
        ends = None
        if here is not None:
            assert isinstance(self.document, Document)
            location = self.document.get_location_from_index
            ends = location(starts[here]), location(starts[here] + length)
        if ends != self._found_here:
            self._found_here = ends
            self._line_cache.clear()
            self.refresh()
        if ends is not None and go:
            self.selection = Selection(*ends)

    def update_suggestion(self) -> None:
        """Offer the rest of a name that the prompt may begin with; the right arrow takes it."""
        begun = self.text
        near = (name for name in self.completions if begun and name.startswith(begun) and name != begun)
        self.suggestion = next(near, "")[len(begun) :]

    def show_count(self, tokens: int | None, positions: int | None, count: TextCount, slides: bool = False) -> None:
        """Show how long the prompt is, and what the model has left of what it can see; no tokens without a model."""
        self._counts = (tokens, positions, count, slides)
        left = ""
        if tokens is not None and positions is not None:
            if slides and tokens >= positions:
                left = f"┊ {Window(positions).out(tokens):,} out of sight"
            else:
                left = f"✗ {tokens - positions:,} too many" if tokens > positions else f"{positions - tokens:,} left"
        told = "" if tokens is None else plural(tokens, "token")
        self.border_subtitle = counts_line(told, left, count=count, width=self.outer_size.width - ENDS)

    def on_resize(self) -> None:
        """More or fewer of the counts have room."""
        if self._counts is not None:
            self.show_count(*self._counts)
