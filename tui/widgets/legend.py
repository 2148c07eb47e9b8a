"""The line below the output that says what its colours mean; it is there while there are any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from engine.safe_text import safe_text
from tui.colouring import Part
from tui.widgets.output.looks import SHADE_CSS, SHADES


class Legend(Widget):
    """Shows parts of a legend, each in the look of its class."""

    COMPONENT_CLASSES: ClassVar[set[str]] = SHADES
    DEFAULT_CSS = f"Legend {{ height: 1; padding: 0 2; color: $text-muted; display: none; {SHADE_CSS} }}"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.parts: Sequence[Part] = ()

    def show(self, parts: Sequence[Part]) -> None:
        """Show these; nothing takes the line away."""
        if parts != self.parts:
            self.parts = parts
            self.display = bool(parts)
            self.refresh()

    def render(self) -> Content:
        """In one line, cut off at its end."""
        told = [self._part(part) for part in self.parts]
        line = Content(" ").join(told)
        return line.truncate(self.size.width, ellipsis=True)

    def _part(self, part: Part) -> Content:
        text = safe_text(part.text)
        if part.level is None:
            return Content.styled(text, "$primary")
        return Content.styled(f" {text} ", self.get_visual_style(f"shade--{part.level}"))
