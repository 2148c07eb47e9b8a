"""Text cut and wrapped to terminal cells, where a wide character takes two."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size

ELLIPSIS = "…"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: padded (on the left if `right`), or cut with an ellipsis."""
    if width <= 0:
        return ""
    spare = width - cell_len(text)
    if spare < 0:
        return set_cell_size(text, width - 1) + ELLIPSIS
    return " " * spare + text if right else text + " " * spare


def wrapped(text: str, width: int, most: int) -> list[str]:
    """`text` over at most `most` lines of `width` cells; an ellipsis says that some is left out."""
    if width <= 0 or most <= 0:
        return []
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width)
        lines.extend(full)
    if line:
        lines.append(line)
    if len(lines) > most:
        kept = lines[:most]
        last = kept[-1].rstrip(" ·,;")
        kept[-1] = last + ELLIPSIS if cell_len(last) < width else fit(last + ELLIPSIS, width)
        return kept
    return lines
