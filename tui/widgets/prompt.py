"""The prompt: an editor of several lines, with the number of tokens and what is left of the model's positions."""

from __future__ import annotations

from collections.abc import Sequence

from engine.window import Window
from tui.widgets.safe_editor import SafeEditor


class PromptPane(SafeEditor):
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
        super().__init__(text, id=id)
        self.border_title = "Prompt"
        self.completions: Sequence[str] = ()
        """Names that a prompt may begin with, completed as one types."""

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
