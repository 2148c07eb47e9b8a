"""The prompt: an editor of several lines, with the number of tokens and what is left of the model's positions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.geometry import Offset
from textual.widgets import TextArea

from engine.safe_text import safe_cells
from engine.window import Window


class PromptPane(TextArea):
    """Keeps the text as it was typed or pasted, and shows control characters as signs."""

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

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id, soft_wrap=True, tab_behavior="focus", show_line_numbers=False)
        self.border_title = "Prompt"
        self.highlight_cursor_line = False
        self.completions: Sequence[str] = ()
        """Names that a prompt may begin with, completed as one types."""

    def get_line(self, line_index: int) -> Text:
        """The line as it is drawn: sign for character, so that the cursor stays where it belongs."""
        line = super().get_line(line_index)
        return Text(safe_cells(line.plain), end="", no_wrap=True)

    def begin_with(self, name: str, names: Sequence[str]) -> None:
        """Put a name at the head of the prompt, in the place of one of the names that stands there."""
        head, _, rest = self.text.partition(" ")
        self.text = f"{name} {rest if head in names else self.text}" if self.text else f"{name} "
        self.move_cursor(self.document.end)

    def update_suggestion(self) -> None:
        """Offer the rest of a name that the prompt may begin with; the right arrow takes it."""
        begun = self.text
        near = (name for name in self.completions if begun and name.startswith(begun) and name != begun)
        self.suggestion = next(near, "")[len(begun) :]

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """As in any editor; undo takes lines away before it moves the cursor, and then there is nowhere to go yet."""
        if self.cursor_location[0] >= self.document.line_count:
            return Offset()
        return super().scroll_cursor_visible(center, animate)

    def show_count(self, tokens: int, positions: int | None, slides: bool = False) -> None:
        """Show how long the prompt is, and what the model has left of what it can see."""
        count = f"{tokens:,} token{'' if tokens == 1 else 's'}"
        if positions is None:
            self.border_subtitle = count
        elif slides and tokens >= positions:
            self.border_subtitle = f"{count} · ┊ {Window(positions).out(tokens):,} out of sight"
        elif tokens > positions:
            self.border_subtitle = f"{count} · ✗ {tokens - positions:,} too many"
        else:
            self.border_subtitle = f"{count} · {positions - tokens:,} left"
