"""Tokens, words and characters in as much room as there is."""

from __future__ import annotations

from engine.text_counts import TextCount

ENDS = 6
"""Cells of a border's line that a title leaves free."""


def counts_line(*told: str, count: TextCount, width: int) -> str:
    """What a pane must tell, its tokens first; then words and characters as far as they fit."""
    words = plural(count.words, "word") if count.words else ""
    characters = plural(count.characters, "character") if count.characters else ""
    for more in ((words, characters), (words,)):
        line = " · ".join(filter(None, (*told, *more)))
        if len(line) <= width:
            return line
    return " · ".join(filter(None, told))


def plural(count: int, name: str) -> str:
    """`1 word`, `1,200 words`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"
