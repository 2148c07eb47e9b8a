"""A tail at the end of the output: what may yet fall away is seen, and is no part of the text."""

from __future__ import annotations

import pytest

from tui.pieces import Piece
from tui.widgets.output.document import TAIL, Document
from tui.widgets.output.wrapping import wrap

WORDS = "The river ran on, and nobody could say where it went"


def drawn(document: Document, limit: int = 20) -> list[str]:
    return ["".join(run.text for run in line.runs) for line in document.wrapped(limit).lines]


def afresh(text: str, tail: str, limit: int = 20) -> list[str]:
    """The lines of text and tail laid out at once."""
    pieces = [Piece("model", text), *([Piece("tail", tail.join(TAIL))] if tail else [])]
    return ["".join(run.text for run in line.runs) for line in wrap(pieces, limit)]


def test_a_tail_is_drawn_and_is_no_part_of_the_text() -> None:
    document = Document()
    document.append(WORDS[:17])
    document.wrapped(20)
    document.foretell(" and somebody")
    assert drawn(document) == afresh(WORDS[:17], " and somebody")
    assert document.text() == WORDS[:17] and list(document.pieces) == [Piece("model", WORDS[:17])]
    wrapped = document.wrapped(20)
    assert wrapped.text_between(0, wrapped.length) == WORDS[:17]
    assert document.written.words == 4


@pytest.mark.parametrize("limit", [4, 9, 20, 100])
def test_tails_that_come_and_go_leave_the_lines_as_if_they_had_never_been(limit: int) -> None:
    document = Document()
    document.wrapped(limit)
    for end in range(3, len(WORDS), 4):
        document.append(WORDS[end - 3 : end] if end == 3 else WORDS[end - 4 : end])
        for tail in (WORDS[end : end + 9], "\nanother\nway, which is a long one\n", "x" * 30):
            document.foretell(tail)
            assert drawn(document, limit) == afresh(WORDS[:end], tail, limit)
    document.foretell("")
    assert drawn(document, limit) == afresh(document.text(), "", limit)


def test_what_settles_leaves_the_tail_and_another_text_ends_it() -> None:
    document = Document()
    document.append("The")
    document.foretell(" river ran")
    document.append(" river")
    assert document.tail == " ran" and drawn(document, 40) == ["The river‹ ran›"]
    document.mark("temperature 1 → 2")
    assert document.tail == " ran"
    document.append(" stood")
    assert document.tail == "" and document.text() == "The river stood"


def test_showing_something_else_ends_the_tail() -> None:
    document = Document()
    document.append("The")
    document.foretell(" river")
    document.wrapped(20)
    document.become([Piece("model", "The")])
    assert drawn(document) == ["The"]


def test_a_tail_costs_what_it_holds_and_not_what_is_before_it() -> None:
    document = Document()
    document.append("word and word\n" * 5000)
    document.wrapped(60)
    before = document.wrapped(60).measured
    for number in range(10):
        document.foretell(f" the {number}th way on")
        document.wrapped(60)
    assert document.wrapped(60).measured - before < 2000
