"""What one looks for in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.finding import places


@pytest.mark.parametrize(
    ("text", "needle", "found"),
    [
        ("The king, the KING", "king", [4, 14]),
        ("The king, the KING", "KING", [14]),
        ("aaaa", "aa", [0, 2]),
        ("a.b a+b", "a.", [0]),
        ("İi ß", "ß", [3]),
        ("one\ntwo", "e\nt", [2]),
        ("text", "", []),
        ("", "x", []),
    ],
)
def test_the_places_of_a_needle(text: str, needle: str, found: list[int]) -> None:
    assert places(text, needle) == found


@given(st.text(), st.text(min_size=1, max_size=3))
def test_what_is_found_is_as_long_as_the_needle(text: str, needle: str) -> None:
    for place in places(text, needle):
        assert len(text[place : place + len(needle)]) == len(needle)
    if needle in text:
        assert places(text, needle)
