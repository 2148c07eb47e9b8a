"""Tokens, words and characters in as much room as there is."""

from __future__ import annotations

from engine.text_counts import TextCount

ENDS = 6
"""Cells of a border's line that a title leaves free."""


def counts_line(*told: str, count: TextCount, width: int) -> str:
    """What a pane must tell, its tokens first; then words and characters as far as they fit.

    Where even what must be told does not fit, the last of it is left out whole rather than cut in the middle.
    """
    told = tuple(filter(None, told))
    words = plural(count.words, "word") if count.words else ""
    characters = plural(count.characters, "character") if count.characters else ""
    for more in ((words, characters), (words,)):
        line = " · ".join(filter(None, (*told, *more)))
        if len(line) <= width:
            return line
    while len(told) > 1 and len(" · ".join(told)) > width:
        told = told[:-1]
    return " · ".join(told)


def plural(count: int, name: str) -> str:
    """`1 word`, `1,200 words`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"
