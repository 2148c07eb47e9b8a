"""Whatever the text and however it arrives: the same lines, and nothing of it lost."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise, starmap
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.pieces import Kind, Piece, beginning, text_of
from tui.widgets.output.document import Document
from tui.widgets.output.wrapping import Line, Wrapped, line_clusters, wrap

# Few characters, chosen to meet: ends of words, accents, joiners, emoji, flags, closing signs, controls.
ALPHABET = "abc  \n\t\r\x1b\x9b\u0301\u200d\ufe0f\u202e\u00a0字語。、👩👧❤🏽🇩🇪\u3000각ᅡ\u0b95\u0bcd1\u20e3-"
TEXT = st.text(ALPHABET, max_size=40)
KIND: st.SearchStrategy[Kind] = st.sampled_from(
    [kind for kind in get_args(Kind) if kind != "tail"]
)  # which is foretold
PIECES = st.lists(st.tuples(KIND, TEXT), max_size=12)
LIMIT = st.integers(2, 12)


def fill(pieces: Iterable[tuple[Kind, str]]) -> Document:
    document = Document()
    for kind, text in pieces:
        document.append(text, kind)
    return document


def drawn(line: Line) -> str:
    return "".join(cluster.shown for _, cluster in line_clusters(line))


@given(TEXT, st.lists(st.integers(0, 40)), LIMIT)
@settings(deadline=None, max_examples=300)
def test_any_chunks_give_the_lines_of_the_whole(text: str, cuts: list[int], limit: int) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    lines = Wrapped(limit)
    for start, end in pairwise(places):
        lines.append([Piece("model", text[start:end])])
    assert lines.lines == wrap([Piece("model", text)], limit)


@given(PIECES, LIMIT)
@settings(deadline=None, max_examples=200)
def test_kinds_and_marks_change_nothing_in_that(pieces: list[tuple[Kind, str]], limit: int) -> None:
    at_once = fill(pieces).wrapped(limit).lines
    document = fill([])
    for kind, text in pieces:
        document.append(text, kind)
        document.wrapped(limit)
    assert document.wrapped(limit).lines == at_once


@given(PIECES, LIMIT)
@settings(deadline=None, max_examples=200)
def test_the_raw_text_is_kept(pieces: list[tuple[Kind, str]], limit: int) -> None:
    document = fill(pieces)
    text = "".join(text for kind, text in pieces if kind != "mark")
    lines = document.wrapped(limit)
    assert document.text() == text
    assert lines.text_between(0, lines.length) == text
    starts = [line.start for line in lines.lines]
    assert starts == sorted(starts)


@given(PIECES, st.integers(0, 80), PIECES, LIMIT, st.booleans())
@settings(deadline=None, max_examples=300)
def test_another_text_is_as_if_the_old_one_had_never_been(
    pieces: list[tuple[Kind, str]], keep: int, others: list[tuple[Kind, str]], limit: int, shown: bool
) -> None:
    document = fill(pieces)
    if shown:
        document.wrapped(limit)
    document.append("not yet laid out")
    new = [*beginning(starmap(Piece, pieces), keep), *starmap(Piece, others)]
    document.become(new)
    fresh = fill(new)
    assert document.text() == fresh.text() == text_of(new)
    assert document.wrapped(limit).lines == fresh.wrapped(limit).lines
    assert not document.become(new)


@given(PIECES, LIMIT)
@settings(deadline=None, max_examples=200)
def test_lines_are_safe_and_as_wide_as_they_say(pieces: list[tuple[Kind, str]], limit: int) -> None:
    for line in fill(pieces).wrapped(limit).lines:
        text = drawn(line)
        cells = sum(cluster.cells for _, cluster in line_clusters(line))
        assert cell_len(text) == cells <= max(2 * limit, 5)
        assert not any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)
        assert "\u202e" not in text


@given(PIECES, LIMIT, st.integers(0, 200), st.integers(0, 40))
@settings(deadline=None, max_examples=200)
def test_every_place_is_within_the_line_it_begins_in(
    pieces: list[tuple[Kind, str]], limit: int, start: int, ahead: int
) -> None:
    lines = fill(pieces).wrapped(limit)
    start = min(start, lines.length)
    place = lines.position(start, ahead)
    assert start <= place <= lines.length or place == start
    assert lines.line_at(start) <= lines.line_at(place) <= lines.line_at(start) + 1
