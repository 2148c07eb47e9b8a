"""Words and characters of a text that grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text_counts import TextCount, counted


@pytest.mark.parametrize(
    ("text", "words", "characters"),
    [("", 0, 0), (" \n", 0, 2), ("one", 1, 3), ("The old\u00a0king,\nhe said. ", 5, 23)],
)
def test_words_stand_between_spaces(text: str, words: int, characters: int) -> None:
    assert (counted(text).words, counted(text).characters) == (words, characters)


@given(st.lists(st.text(st.sampled_from("ab \n\u2003"), max_size=5)))
def test_a_text_in_pieces_counts_as_the_whole(pieces: list[str]) -> None:
    count = TextCount()
    for piece in pieces:
        count.add(piece)
    assert count == counted("".join(pieces)) and count.words == len("".join(pieces).split())
