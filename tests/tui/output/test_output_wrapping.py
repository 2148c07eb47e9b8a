"""Wrapping, with results worked out by hand."""

from __future__ import annotations

import pytest

from tui.widgets.output.document import Document
from tui.widgets.output.wrapping import Line, Piece, Wrapped, line_clusters, wrap

FAMILY = "👩‍👩‍👧"


def shown(lines: list[Line]) -> list[str]:
    return ["".join(cluster.shown for _, cluster in line_clusters(line)) for line in lines]


def wrapped(text: str, limit: int) -> list[str]:
    return shown(wrap([Piece("model", text)], limit))


@pytest.mark.parametrize(
    ("text", "limit", "lines"),
    [
        ("", 5, [""]),
        ("ab cd ef", 5, ["ab cd ", "ef"]),
        ("ab cd  ef", 5, ["ab cd  ", "ef"]),
        ("ab   ", 5, ["ab   "]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("a bcdefgh i", 4, ["a ", "bcde", "fgh ", "i"]),
        ("a\n\nb\n", 5, ["a", "", "b", ""]),
        ("\n", 5, ["", ""]),
        ("      x", 3, ["      ", "x"]),
        ("       x", 3, ["      ", " x"]),
        ("a\tb", 4, ["a    ", "b"]),
    ],
)
def test_words(text: str, limit: int, lines: list[str]) -> None:
    assert wrapped(text, limit) == lines


@pytest.mark.parametrize(
    ("text", "limit", "lines"),
    [
        ("日本語", 4, ["日本", "語"]),
        ("日本語", 5, ["日本", "語"]),
        ("ab日本", 4, ["ab日", "本"]),
        ("日本。語", 4, ["日", "本。", "語"]),
        (FAMILY * 3, 4, [FAMILY * 2, FAMILY]),
        ("cafe\u0301s x", 5, ["cafe\u0301s ", "x"]),
        ("❤\ufe0f❤\ufe0f❤\ufe0f", 4, ["❤\ufe0f❤\ufe0f", "❤\ufe0f"]),
        ("🇩🇪🇫🇷", 3, ["🇩🇪", "🇫🇷"]),
        ("👍🏽👍🏽", 2, ["👍🏽", "👍🏽"]),
    ],
)
def test_wide_and_joined_characters(text: str, limit: int, lines: list[str]) -> None:
    assert wrapped(text, limit) == lines


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x9b2J", "<9B>2J"),
        ("\u202eabc", "<RLO>abc"),
        ("a\r\n", "a␍"),
        ("\u0301a", "◌\u0301a"),
        ("a\u200db", "ab"),
        ("\u200db", "<ZWJ>b"),
    ],
)
def test_what_is_hidden_or_obeyed_becomes_a_sign(text: str, drawn: str) -> None:
    assert wrapped(text, 20)[0] == drawn


def test_a_sign_is_measured_as_drawn() -> None:
    assert wrapped("ab\x9b", 6) == ["ab<9B>"]
    assert wrapped("ab\x9b", 5) == ["ab", "<9B>"]


def test_what_arrives_later_joins_what_was_last() -> None:
    lines = Wrapped(4)
    for part in ("caf", "e", "\u0301", " ", "👩", "\u200d", "👧"):
        lines.append([Piece("model", part)])
    assert shown(lines.lines) == ["cafe\u0301 ", "👩\u200d👧"]
    lines.append([Piece("model", "\u20e3")])
    assert shown(lines.lines) == ["cafe\u0301 ", "👩\u200d👧\u20e3"]


def test_an_accent_joins_a_letter_of_another_kind() -> None:
    (line,) = wrap([Piece("prompt", "e"), Piece("model", "\u0301x")], 9)
    assert [(kind, cluster.shown) for kind, cluster in line_clusters(line)] == [
        ("prompt", "e\u0301"),
        ("model", "x"),
    ]


def test_a_growing_word_moves_to_the_next_line() -> None:
    lines = Wrapped(5)
    lines.append([Piece("model", "ab c")])
    assert shown(lines.lines) == ["ab c"]
    lines.append([Piece("model", "def")])
    assert shown(lines.lines) == ["ab ", "cdef"]


def test_a_word_that_becomes_shorter_comes_back() -> None:
    document = Document("ab ")
    document.append("cdef")
    assert shown(document.wrapped(5).lines) == ["ab ", "cdef"]
    assert document.become([Piece("prompt", "ab "), Piece("model", "cd")])
    assert shown(document.wrapped(5).lines) == ["ab cd"]
    assert document.text() == "ab cd"


def test_a_mark_is_drawn_but_is_not_text() -> None:
    document = Document("one")
    document.append(" two")
    document.mark("k 0 → 40")
    document.append(" three")
    assert shown(document.wrapped(12).lines) == ["one two", "┊k 0 → 40┊ ", "three"]
    assert document.text() == "one two three"
    assert document.text(prompt=False) == " two three"
    assert document.wrapped(12).text_between(0, 99) == "one two three"


def test_what_a_new_text_has_in_common_with_the_old_is_not_measured_again() -> None:
    document = Document("p")
    document.append("ab\n" * 1000)
    document.mark("here")
    document.append("cd")
    wrapped = document.wrapped(40)
    before = wrapped.measured
    text = [Piece("prompt", "p"), Piece("model", "ab\n" * 1000), Piece("mark", "here"), Piece("human", "ef")]
    assert document.become(text) and not document.become(text)
    assert shown(document.wrapped(40).lines[-1:]) == ["┊here┊ef"]
    assert document.wrapped(40) is wrapped and wrapped.measured - before < 50


def test_places_are_found_again_in_the_raw_text() -> None:
    document = Document()
    document.append("a\x9bb e\u0301f\ng")
    lines = document.wrapped(7)
    assert shown(lines.lines) == ["a<9B>b ", "e\u0301f", "g"]
    # After "a<9B>" six characters are drawn before the end of "b", of which the text has three.
    assert [lines.position(0, drawn) for drawn in (0, 1, 2, 5, 6)] == [0, 1, 2, 2, 3]
    assert lines.position(4, 1) == lines.position(4, 2) == 6
    assert lines.position(4, 99) == 7
    assert lines.text_between(1, 7) == "\x9bb e\u0301f"


@pytest.mark.parametrize("unit", ["it was the best of times ", "x", " ", "\t", "字", "\u0301", "👩\u200d", "\x9b"])
def test_the_work_for_a_token_does_not_grow_with_the_text(unit: str) -> None:
    def work_for_a_token(characters: int) -> int:
        lines = Wrapped(60)
        lines.append([Piece("model", (unit * characters)[:characters])])
        before = lines.measured
        for _ in range(100):
            lines.append([Piece("model", "ab ")])
            lines.append([Piece("model", unit)])
        return lines.measured - before

    # The last line and the new text: two widths of cells at most, of so many characters at most.
    assert work_for_a_token(100_000) <= 200 * (2 * 60 * 32 + len(unit))
    if unit.startswith("it"):
        assert max(work_for_a_token(1_000), work_for_a_token(100_000)) <= 200 * (2 * 60 + len(unit))


def test_a_document_that_nobody_looks_at_is_not_wrapped() -> None:
    document = Document("prompt")
    lines = document.wrapped(20)
    before = lines.measured
    for _ in range(1000):
        document.append("word ")
    assert lines.measured == before
    assert document.wrapped(20) is lines
    assert lines.length == 6 + 5000
