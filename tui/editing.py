"""From a text and what a person made of it to its pieces: what was left alone keeps its kind."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tui.pieces import Piece, alike, merged, text_of

_WORD = re.compile(r"\s*\S+|\s+")
_FEW = 500


class Change(NamedTuple):
    """The characters from `start` to `end` of the old text give way to `text`."""

    start: int
    end: int
    text: str


def edited(pieces: Sequence[Piece], new: str) -> tuple[Piece, ...]:
    """The pieces of `new`, which a person made of these: what is new in it is human.

    A mark stays where it stands, unless it stood within what was taken out.
    """
    return tuple(merged(_applied(pieces, changes(text_of(pieces), new))))


def changes(old: str, new: str) -> Iterator[Change]:
    """What turns one text into the other, in order: by words, and at the edges of what changed by characters."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    # What is the same at both ends is quickly passed over; most edits leave little between.
    head = alike(before, after)
    tail = alike(before[head:][::-1], after[head:][::-1])
    place = sum(map(len, before[:head]))
    before, after = before[head : len(before) - tail], after[head : len(after) - tail]
    # Where there is much of it, words that are everywhere are no place to begin from: that would take for ever.
    matcher = SequenceMatcher(None, before, after, autojunk=len(after) > _FEW)
    for what, low, high, new_low, new_high in matcher.get_opcodes():
        gone = "".join(before[low:high])
        if what != "equal":
            yield _trimmed(place, gone, "".join(after[new_low:new_high]))
        place += len(gone)


def _trimmed(place: int, gone: str, come: str) -> Change:
    """A change without what is the same at its beginning and at its end."""
    head = alike(gone, come)
    tail = alike(gone[head:][::-1], come[head:][::-1])
    return Change(place + head, place + len(gone) - tail, come[head : len(come) - tail])


def _applied(pieces: Iterable[Piece], changes: Iterable[Change]) -> Iterator[Piece]:
    waiting = deque(changes)
    place = 0
    for kind, text in pieces:
        if kind == "mark":
            if not (waiting and waiting[0].start < place < waiting[0].end):
                yield Piece(kind, text)
            continue
        end = place + len(text)
        kept = place  # up to here the old text has been dealt with
        while waiting and waiting[0].start < end:
            change = waiting[0]
            if change.start >= place:  # else it began in a piece before this one
                yield Piece(kind, text[kept - place : change.start - place])
                yield Piece("human", change.text)
            kept = min(change.end, end)
            if change.end > end:
                break
            waiting.popleft()
        yield Piece(kind, text[kept - place :])
        place = end
    yield from (Piece("human", change.text) for change in waiting)
