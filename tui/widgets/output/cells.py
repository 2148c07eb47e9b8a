"""From raw text to what a terminal shows of it: clusters of characters, each with its width in cells.

Widths are those of `rich.cells`, because Textual's compositor crops and joins lines with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category

from rich.cells import cell_len, get_character_cell_size

from engine.safe_text import safe_block

JOINER = "\u200d"
MOST_IN_CLUSTER = 32
"""Characters that one cluster may hold, which bounds the work for text of nothing but accents or joiners."""


class Cluster(NamedTuple):
    """What is never torn apart: a letter with its accents, an emoji, the sign for a control character."""

    raw: int
    """Characters of the raw text."""
    shown: str
    """What is drawn; empty for a newline."""
    cells: int
    """Width of `shown` in terminal cells."""


@lru_cache(maxsize=4096)
def _sign(character: str) -> str:
    """How a character is drawn: itself, or the visible sign that stands for it."""
    return "" if character == "\n" else safe_block(character)


@lru_cache(maxsize=4096)
def _follows(character: str) -> bool:
    """Whether the character takes no cell of its own: an accent, a variation selector, a skin tone."""
    return _sign(character) == character and get_character_cell_size(character) == 0


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _is_pictograph(character: str) -> bool:
    return category(character) == "So"


def clusters(text: str) -> Iterator[Cluster]:
    """Cut `text` into clusters. Cutting may begin anew at any of them: none depends on what is before it."""
    start = 0
    while start < len(text):
        first = text[start]
        end = start + 1
        sign = _sign(first)
        if sign != first:
            yield Cluster(1, sign, cell_len(sign))
        elif first == JOINER:
            yield Cluster(1, "<ZWJ>", 5)
        else:
            # A dotted circle carries an accent that has no letter, as in printed tables of accents.
            shown = "◌" + first if _follows(first) else first
            end, rest = _followers(text, start)
            shown += rest
            yield Cluster(end - start, shown, cell_len(shown))
        start = end


def _followers(text: str, start: int) -> tuple[int, str]:
    """The end of the cluster that begins at `start`, and what is drawn of the characters after its first."""
    shown: list[str] = []
    end = start + 1
    last = min(len(text), start + MOST_IN_CLUSTER)
    if end < last and _is_flag_letter(text[start]) and _is_flag_letter(text[end]):
        shown.append(text[end])
        end += 1
    while end < last:
        character = text[end]
        if character == JOINER:
            # Only pictographs are joined. Elsewhere a joiner is not drawn: the width rules count nothing for
            # the character behind it, but a terminal draws that, and the line would be longer than it says.
            after = text[end + 1 : end + 2]
            if after and _is_pictograph(text[start]) and _is_pictograph(after):
                shown.append(JOINER + after)
                end += 1
        elif _follows(character):
            shown.append(character)
        else:
            break
        end += 1
    return end, "".join(shown)
