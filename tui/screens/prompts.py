"""Earlier prompts to choose from, the newest first, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from engine.safe_text import safe_text
from tui.screens.chooser import Chooser

_SHOWN = 200  # characters: more than a line has room for


class PromptsScreen(Chooser):
    """Gives the chosen prompt, whole, or None."""

    DEFAULT_CSS = """
    PromptsScreen Vertical { width: 100; }
    PromptsScreen OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, prompts: Sequence[str]) -> None:
        super().__init__("Earlier prompts", prompts)

    def line(self, name: str) -> Content:
        """Its beginning, and how many lines there are where it has several."""
        begun = Content(safe_text(name[:_SHOWN].split("\n", 1)[0]))
        lines = name.count("\n")
        return Content.assemble((f"{lines + 1} lines  ", "bold"), begun) if lines else begun
