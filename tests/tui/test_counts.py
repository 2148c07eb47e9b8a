"""What a border's line says of a text, in as much room as there is."""

from __future__ import annotations

from engine.text_counts import counted
from tui.widgets.counts import counts_line

COUNT = counted("one two")
TOLD = ("47 new tokens", "stopped", "score -0.435", "seed 42")


def test_what_has_no_room_is_left_out_whole_from_the_end() -> None:
    lines = [counts_line(*TOLD, count=COUNT, width=width) for width in range(80, 0, -1)]
    parts = (*TOLD, "2 words", "7 characters")
    wanted = [" · ".join(parts[:number]) for number in range(len(parts), 0, -1)]
    assert list(dict.fromkeys(lines)) == wanted
    assert all(len(line) <= width or line == TOLD[0] for width, line in zip(range(80, 0, -1), lines, strict=True))


def test_what_is_empty_is_not_told() -> None:
    assert counts_line("", "3 left", "", count=counted(""), width=40) == "3 left"
