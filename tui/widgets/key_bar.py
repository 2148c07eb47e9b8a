"""The keys, in two lines: where not all have room, those that matter most."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from tui.actions import Actions, Entry

MOST_LINES = 2


class KeyBar(Widget):
    """A footer that wraps between entries and never in one."""

    DEFAULT_CSS = "KeyBar { height: auto; background: $surface; color: $text-muted; padding: 0 1; }"

    hidden: reactive[frozenset[str]] = reactive(frozenset({"choose"}), layout=True)
    """Actions that are of no use as things stand."""

    def __init__(self, actions: Actions, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._actions = actions

    def lines(self, width: int) -> list[list[tuple[str, str]]]:
        """The entries that have room, line by line, at this width in cells."""
        entries = [entry for entry in self._actions.entries(self.hidden) if entry.in_footer]
        while len(lines := _wrapped(entries, width)) > MOST_LINES:
            heaviest = max(entry.weight for entry in entries)
            entries.remove([entry for entry in entries if entry.weight == heaviest][-1])
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the entries take."""
        return len(self.lines(width))

    def render(self) -> Content:
        """Keys in the accent colour, labels dim."""
        lines = [
            Content("  ").join(Content.assemble((keys, "bold $primary"), f" {label}") for keys, label in line)
            for line in self.lines(self.size.width)
        ]
        return Content("\n").join(lines)


def _wrapped(entries: Sequence[Entry], width: int) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0
    for entry in entries:
        needed = len(entry.shown) + 1 + len(entry.label) + (2 if lines[-1] else 0)
        if lines[-1] and used + needed > width:
            lines.append([])
            used, needed = 0, needed - 2
        lines[-1].append((entry.shown, entry.label))
        used += needed
    return lines
