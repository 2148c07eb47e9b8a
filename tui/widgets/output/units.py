"""From raw text to the units that a line break may stand between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from rich.cells import get_character_cell_size

from tui.widgets.output.cells import clusters

Role = Literal["word", "wide", "space", "newline"]


class Unit(NamedTuple):
    """What stays on one line if it can: a word, a wide character, a run of spaces, a newline."""

    end: int
    cells: int
    role: Role


# Printable ASCII in bulk, since it is one cell a character. Its last character goes to the fourth group when
# something outside ASCII follows, because that may be an accent for it.
_TOKEN = re.compile(r"(\n)|( +)(?![^\x00-\x7f])|([!-~]+)(?![^\x00-\x7f])|([ -~]?[^ -~\n]+)")
_SPACES = frozenset(" \t\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u205f\u3000")
_CLOSING = frozenset("、。，．：；！？）］｝」』】〉》〕")


def _tokens(text: str) -> Iterator[Unit]:
    """The smallest units, not yet joined into words. `end` counts characters of `text`."""
    for match in _TOKEN.finditer(text):
        end = match.end()
        group = match.lastindex
        if group == 1:
            yield Unit(end, 0, "newline")
        elif group == 2:
            yield Unit(end, end - match.start(), "space")
        elif group == 3:
            yield Unit(end, end - match.start(), "word")
        else:
            end = match.start()
            for cluster in clusters(match[0]):
                end += cluster.raw
                yield Unit(end, cluster.cells, _role(text[end - cluster.raw : end]))


def _role(raw: str) -> Role:
    """The role of a cluster. What may yet join its first character cannot make two units out of one."""
    if raw in _SPACES:
        return "space"
    # Between ideographs or emoji a line may break anywhere.
    return "wide" if get_character_cell_size(raw[0]) == 2 else "word"


def units(text: str) -> Iterator[Unit]:
    """The units of a text without marks."""
    waiting: Unit | None = None
    start = 0
    for token in _tokens(text):
        if waiting is not None:
            joined = waiting.role == token.role == "word" or (
                waiting.role in ("word", "wide") and text[start] in _CLOSING
            )
            if joined:
                waiting = Unit(token.end, waiting.cells + token.cells, token.role)
                start = token.end
                continue
            yield waiting
        waiting = token
        start = token.end
    if waiting is not None:
        yield waiting
