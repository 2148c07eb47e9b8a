"""What a search of the vocabulary means."""

from __future__ import annotations

import pytest

from engine.vocabulary import QueryError, VocabularyToken, found, ids_from

WORDS = (" the", "the", "There", " river", "e", "ing", " singing", "a and b", "<|end|>", " \u00c9t\u00e9")
TOKENS = [VocabularyToken(at, text, text == "<|end|>") for at, text in enumerate(WORDS)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", list(WORDS)),
        ("contains e", [" the", "the", "There", " river", "e", "<|end|>"]),
        ("not contains e and not special", ["ing", " singing", "a and b", " \u00c9t\u00e9"]),
        ("begins the", [" the", "the", "There"]),
        ("begins ␣the", [" the"]),
        ("ends ing", ["ing", " singing"]),
        ("length 3", [" the", "the", "ing", " \u00c9t\u00e9"]),
        ("length 7-", [" singing", "a and b", "<|end|>"]),
        ("length -1", ["e"]),
        ("length 5-6", ["There", " river"]),
        ("special", ["<|end|>"]),
        ("^ ?[a-z]$", ["e"]),
        ("^␣r", [" river"]),
        ("contains \u00e9", [" \u00c9t\u00e9"]),
        ("contains e and length 5 and ^ ", [" river"]),
    ],
)
def test_a_search(query: str, wanted: list[str]) -> None:
    assert [token.text for token in found(TOKENS, query)] == wanted


@pytest.mark.parametrize("query", ["(", "length x", "length 3-x", "length -", "a{2,1}", "contains a and ["])
def test_what_cannot_be_understood_is_said(query: str) -> None:
    with pytest.raises(QueryError):
        found(TOKENS, query)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("464 318", (464, 318)),
        (" [464, 318] ", (464, 318)),
        ("464,318,", (464, 318)),
        ("464 is", ()),
        ("", ()),
        ("[]", ()),
        ("-1", ()),
        ("1" * 30, ()),
    ],
)
def test_ids_as_people_write_them(text: str, ids: tuple[int, ...]) -> None:
    assert ids_from(text) == ids
