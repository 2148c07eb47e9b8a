"""Another text in the place of the one that is shown: what stays is left alone, and the reader where she was."""

from __future__ import annotations

import pytest

from tests.tui.output.test_output_view import HEIGHT, WIDTH, Stage, rows, stage_with_lines
from tui.pieces import Piece


async def test_a_shorter_text_in_the_place_of_a_longer_one() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = await stage_with_lines(pilot, 20)
        view.show([[Piece("model", "line 0\nline 1")]])
        await pilot.pause()
        assert rows(view) == ["line 0", "line 1", "", "", "", ""]
        assert view.following
        assert view.text() == "line 0\nline 1"
        view.add(0, "0")
        assert rows(view)[1] == "line 10"


async def test_another_text_shows_only_what_is_new_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, 12)) as pilot:
        view = await stage_with_lines(pilot, 5)
        drawn: list[int] = []
        real = view.render_line
        monkeypatch.setattr(view, "render_line", lambda y: (drawn.append(y), real(y))[1])
        text = view.text()
        view.show([[Piece("model", text), Piece("mark", "k 1 → 2"), Piece("human", " so")]])
        await pilot.pause()
        assert set(drawn) <= {4, 5} and rows(view)[4:6] == ["line 4┊k 1 → 2┊ so", ""]
        assert view.text() == text + " so"
        drawn.clear()
        view.show([[Piece("model", text), Piece("mark", "k 1 → 2"), Piece("human", " so")]])
        await pilot.pause()
        assert not drawn


async def test_more_and_fewer_sequences_than_before() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = app.view
        view.show([[Piece("model", str(number))] for number in range(3)])
        view.sequence = 2
        await pilot.pause()
        assert rows(view)[0] == "2" and view.sequences == 3
        view.show([[Piece("model", "0")], [Piece("model", "one")]])
        await pilot.pause()
        assert (view.sequence, view.sequences, rows(view)[0]) == (1, 2, "one")
        view.show([])
        await pilot.pause()
        assert (view.sequence, view.sequences) == (0, 1) and "Nothing yet" in rows(view)[2]


async def test_a_reader_who_scrolled_up_stays_where_the_text_stays() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = await stage_with_lines(pilot, 40)
        assert view.above is None
        view.scroll_to(y=10, animate=False)
        await pilot.pause()
        assert view.above == len("".join(f"line {number}\n" for number in range(10)))
        view.show([[Piece("model", "\n".join(f"line {number}" for number in range(30))), Piece("human", "!")]])
        await pilot.pause()
        assert rows(view)[0] == "line 10" and not view.following
        view.show([[Piece("model", "short")]])
        await pilot.pause()
        assert rows(view)[0] == "short"
