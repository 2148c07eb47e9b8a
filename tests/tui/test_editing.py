"""What a person changed in a text is hers, and the rest keeps its kind."""

from __future__ import annotations

from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.editing import changes, edited
from tui.pieces import Kind, Piece, merged, text_of

TEXT = st.text("ab \n\té\u0301👩🏽", max_size=30)
PIECES = st.lists(st.builds(Piece, st.sampled_from(get_args(Kind)), TEXT), max_size=8)
STORY = (Piece("model", "Once upon a time there"), Piece("mark", "t 1 → 2"), Piece("model", " was a king"))
DARK = [("model", "Once upon a"), ("human", " dark"), ("model", " time there"), *STORY[1:]]


def applied(old: str, new: str) -> str:
    """The old text with the changes made in it, from the last to the first."""
    for start, end, text in reversed(list(changes(old, new))):
        old = old[:start] + text + old[end:]
    return old


@given(TEXT, TEXT)
@settings(max_examples=300)
def test_the_changes_make_one_text_of_the_other(old: str, new: str) -> None:
    assert applied(old, new) == new


@given(PIECES, TEXT, st.data())
@settings(max_examples=400)
def test_the_pieces_are_those_of_the_new_text_and_no_one_elses_words_are_invented(
    pieces: list[Piece], new: str, data: st.DataObject
) -> None:
    old = text_of(pieces)
    if data.draw(st.booleans()):  # an edit as it is made by hand, rather than another text
        start = data.draw(st.integers(0, len(old)))
        end = data.draw(st.integers(start, len(old)))
        new = old[:start] + new + old[end:]
    made = edited(pieces, new)
    assert text_of(made) == new and list(merged(made)) == list(made)
    for kind in ("prompt", "model", "special"):
        left = iter("".join(text for k, text in pieces if k == kind))
        assert all(character in left for k, text in made if k == kind for character in text), kind
    marks = [piece for piece in pieces if piece.kind == "mark"]
    left_marks = iter(marks)
    assert all(piece in left_marks for piece in made if piece.kind == "mark")


@given(PIECES)
def test_a_text_left_alone_is_what_it_was(pieces: list[Piece]) -> None:
    assert list(edited(pieces, text_of(pieces))) == list(merged(pieces))


@pytest.mark.parametrize(
    ("new", "pieces"),
    [
        ("Once upon a time there was a king, old", [*STORY, Piece("human", ", old")]),
        ("Once upon a dark time there was a king", DARK),
        ("Once upon a time there was a queen", [*STORY[:2], ("model", " was a "), ("human", "queen")]),
        ("Once upon a time there lived a king", [*STORY[:2], ("model", " "), ("human", "lived"), ("model", " a king")]),
        ("So once upon a time there was a king", [("human", "So o"), ("model", "nce upon a time there"), *STORY[1:]]),
        ("Once upon a king", [("model", "Once upon a king")]),
        ("Once upon a time there", [*STORY[:2]]),
        ("", []),
    ],
)  # fmt: skip
def test_edits_as_they_are_made(new: str, pieces: list[tuple[str, str]]) -> None:
    assert list(edited(STORY, new)) == pieces


def test_two_edits_far_apart_leave_what_lies_between() -> None:
    old = " ".join(Random(1).choices([f"word{number}" for number in range(700)], k=17_000))
    new = "A" + old[:60_000] + "Z" + old[60_000:] + "!"
    made = edited(
        [Piece("model", old[:50_000]), Piece("special", old[50_000:50_010]), Piece("model", old[50_010:])], new
    )
    assert text_of(made) == new and sum(len(text) for kind, text in made if kind != "human") == len(old)
    assert ("special", old[50_000:50_010]) in made


@pytest.mark.parametrize("word", ["a ", "ab", "\n"])
def test_a_text_of_one_word_over_and_over_is_no_trap(word: str) -> None:
    old = word * 50_000
    new = "x" + old[:-10] + "y" + old[-10:]
    assert text_of(edited([Piece("model", old)], new)) == new
