"""Tokens laid out as cells that flow: a token's text above, a number below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from engine.weighing_table import visible

MOST = 3000
"""Cells that are laid out; what is beyond is told by its number alone."""
_WIDEST = 24
_BETWEEN = "│"


def piece(text: str, special: bool) -> str:
    """A token's text as its cell shows it: spaces and newlines seen, a special token with a star."""
    shown = visible(text) or "∅"
    cut = shown if cell_len(shown) <= _WIDEST else set_cell_size(shown, _WIDEST - 1) + "…"
    return cut + ("*" if special else "")


def laid_out(cells: Iterable[tuple[str, str]], width: int, style: Callable[[int], str] = lambda at: "") -> Text:
    """Cells (text, below it) in rows of at most `width`, each two lines and an empty one."""
    rows: list[tuple[list[str], list[str], list[int]]] = []
    left = 0
    for at, (above, below) in enumerate(cells):
        size = max(cell_len(above), cell_len(below))
        if not rows or size + 1 > left:
            rows.append(([], [], []))
            left = width
        rows[-1][0].append(set_cell_size(above, size))
        rows[-1][1].append(set_cell_size(below, size))
        rows[-1][2].append(at)
        left -= size + 1
    text = Text(no_wrap=True)
    for above_cells, below_cells, places in rows:
        for cell, at in zip(above_cells, places, strict=True):
            text.append(cell, style(at))
            text.append(_BETWEEN, "dim")
        text.append("\n")
        text.append("".join(cell + " " for cell in below_cells).rstrip() + "\n\n", "dim")
    return text


def beyond(tokens: Sequence[object]) -> str:
    """What is said of the tokens that are not laid out."""
    more = len(tokens) - MOST
    return f"and {more:,} more" if more > 0 else ""
