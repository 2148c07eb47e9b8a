"""Tokens, words and characters in as much room as there is."""

from __future__ import annotations

from engine.text_counts import TextCount

ENDS = 6
"""Cells of a border's line that a title leaves free."""


def counts_line(tokens: str, count: TextCount, *told: str, width: int) -> str:
    """A pane's counts: the tokens and what else must be told, then words and characters as far as they fit."""
    words = plural(count.words, "word") if count.words else ""
    characters = plural(count.characters, "character") if count.characters else ""
    for optional in ((words, characters), (words,)):
        line = " · ".join(filter(None, (tokens, *optional, *told)))
        if len(line) <= width:
            return line
    return " · ".join(filter(None, (tokens, *told)))


def plural(count: int, name: str) -> str:
    """`1 word`, `1,200 words`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"
