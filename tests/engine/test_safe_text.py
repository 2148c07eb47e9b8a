"""Nothing in untrusted text reaches a terminal that would obey it, and nothing else is changed."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.safe_text import safe_block, safe_cells, safe_text

ALL = [chr(code) for code in range(sys.maxunicode + 1)]
MAKERS: list[Callable[[str], str]] = [safe_text, safe_block, safe_cells]
EACH = pytest.mark.parametrize("make", MAKERS, ids=["text", "block", "cells"])
BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
# Tab and newline, where each of the three may leave them.
LEFT: dict[Callable[[str], str], str] = {safe_text: "", safe_block: "\n", safe_cells: "\t"}
ANY = st.text(st.characters(codec=None)) | st.text(
    st.sampled_from("\x00\x07\x1b\x7f\x9b\r\n\t\u202e\u2066\ud800\u200fa]")
)


def obeyed(sign: str) -> bool:
    """Controls, what turns the direction of writing, and what no terminal can encode."""
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(sign) in BIDI


@EACH
def test_every_character_alone(make: Callable[[str], str]) -> None:
    for sign in ALL:
        if sign in LEFT[make]:
            continue
        shown = make(sign)
        assert not any(map(obeyed, shown)), hex(ord(sign))
        if sign.isprintable():
            assert shown == sign, hex(ord(sign))


@EACH
@given(text=ANY)
def test_any_text(make: Callable[[str], str], text: str) -> None:
    shown = make(text)
    assert not any(obeyed(sign) for sign in shown if sign not in LEFT[make])
    shown.encode()
    assert make(shown.replace("\t", "    ")) == shown.replace("\t", "    ")


@given(ANY)
def test_safe_text_is_one_line(text: str) -> None:
    assert len(safe_text(text).splitlines()) <= 1


@given(ANY)
def test_a_block_keeps_its_lines(text: str) -> None:
    assert safe_block(text).split("\n") == [safe_text(line.replace("\t", "    ")) for line in text.split("\n")]


@given(ANY)
def test_cells_keep_every_place(text: str) -> None:
    shown = safe_cells(text)
    assert len(shown) == len(text)
    assert all(new == old for new, old in zip(shown, text, strict=True) if old.isprintable())


@given(st.text(st.characters(codec="utf-8").filter(str.isprintable)))
def test_printable_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == safe_block(text) == safe_cells(text) == text


def test_known_attacks() -> None:
    assert safe_text("\x1b]52;c;QUJD\x07") == "␛]52;c;QUJD␇"
    assert safe_text("\x9b31m\r\n\t\x7f") == "<9B>31m␍␊␉␡"
    assert safe_text("gnp\u202eexe\u2069") == "gnp<RLO>exe<PDI>"
    assert safe_text("\ud83d\u200b\ufeff\U000e0041") == "<D83D><ZWSP><BOM><E0041>"
    assert safe_block("a\tb\nc\r") == "a    b\nc␍"


def test_joined_emoji_and_accents_are_kept() -> None:
    for text in ("👩\u200d👩\u200d👧", "e\u0301", "🏳️\u200d🌈", "नमस्ते", "می\u200cخواهم", "日本"):
        assert safe_text(text) == text
