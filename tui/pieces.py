"""Text by its origin: stretches of one kind each, and the marks between them. What holds text, holds it so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

Kind = Literal["prompt", "model", "special", "human", "mark", "tail"]


class Piece(NamedTuple):
    """A stretch of text of one kind, raw.

    A mark is no part of the text: what stands there is its label. A tail is none either: it may yet fall away, so only
    what is drawn has it.
    """

    kind: Kind
    text: str


def text_of(pieces: Iterable[Piece]) -> str:
    """The text alone, without the marks."""
    return "".join(text for kind, text in pieces if kind != "mark")


def said(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces without the end tokens, and the marks, that they end with."""
    last = next((place for place in range(len(pieces), 0, -1) if pieces[place - 1].kind not in ("special", "mark")), 0)
    return pieces[:last]


def merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours of one kind as one piece, and none that is empty; marks stay apart."""
    told = (piece for piece in pieces if piece.text or piece.kind == "mark")
    for kind, group in groupby(told, key=lambda piece: piece.kind):
        if kind == "mark":
            yield from group
        else:
            yield Piece(kind, "".join(piece.text for piece in group))


def beginning(pieces: Iterable[Piece], characters: int) -> Iterator[Piece]:
    """The pieces of the first `characters` characters, with the marks up to there."""
    for kind, text in pieces:
        if kind == "mark":
            yield Piece(kind, text)
            continue
        if text[:characters]:
            yield Piece(kind, text[:characters])
        characters -= len(text)
        if characters < 0:
            return


def alike(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items both begin with, or characters."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
