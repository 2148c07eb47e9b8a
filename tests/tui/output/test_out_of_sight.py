"""Text that the model no longer sees: dim, with a bar beside it, exactly, and without wrapping anything anew."""

from __future__ import annotations

import random

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from tui.widgets.output import OutputView
from tui.widgets.output.out_of_sight import BAR, LAST_BAR, rows, span
from tui.widgets.output.wrapping import Piece

TEXT = "The old keeper of the 日本 lighthouse told café the children 👍 a story.\n\nThe river\twas low that year."


class Stage(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield OutputView()

    @property
    def view(self) -> OutputView:
        return self.query_one(OutputView)


def strips(view: OutputView) -> list[Strip]:
    return [view.render_line(y) for y in range(view.size.height)]


def dimmed(view: OutputView) -> str:
    """What is drawn in the colour of what is out of sight, without the bars and without blanks."""
    colour = view.get_component_rich_style("output--hidden").color
    drawn = [
        segment.text
        for strip in strips(view)
        for segment in strip
        if segment.style is not None and segment.style.color == colour and segment.text not in (BAR, LAST_BAR)
    ]
    return "".join("".join(drawn).split())


def plain(text: str) -> str:
    return "".join(text.split())


def bars(view: OutputView) -> str:
    """The bar beside each line, a dot for none."""
    lines = ["".join(segment.text for segment in strip) for strip in strips(view)]
    return "".join(next((sign for sign in line if sign in (BAR, LAST_BAR)), ".") for line in lines)


async def test_the_bars_tell_it_without_colours() -> None:
    app = Stage()
    async with app.run_test(size=(21, 6)):
        app.view.start("one two three four five six seven eight nine")
        assert bars(app.view) == "......"
        app.view.dim(0, 0, len("one two three four five"))
        assert bars(app.view) == f"{BAR}{LAST_BAR}...."
        assert plain("one two three four five") == dimmed(app.view)
        app.view.dim(0, 0, 0)
        assert bars(app.view) == "......" and dimmed(app.view) == ""


async def test_every_place_is_exact_at_every_width() -> None:
    """Wide characters, accents and tabs among them; after a resize the same characters are dim."""
    app = Stage()
    draw = random.Random(2)
    async with app.run_test(size=(60, 30)) as pilot:
        view = app.view
        view.start(TEXT[:20])
        view.add(0, TEXT[20:50])
        view.add(0, "k 0 → 40", "mark")
        view.add(0, TEXT[50:])
        for width in (60, 12, 31, 130, 7):
            await pilot.resize_terminal(width, 60)
            for _ in range(8):
                start, end = sorted(draw.sample([n for n in range(len(TEXT)) if TEXT[n] != "\u0301"], 2))
                view.dim(0, start, end)
                wanted = plain(TEXT[start:end])
                marked = start < 50 < end
                assert dimmed(view).replace("┊k0→40┊", "") == wanted.replace("\t", ""), (width, start, end)
                assert ("┊k0→40┊" in dimmed(view)) == marked
                for strip in strips(view):
                    assert strip.cell_length == view.size.width
                    assert cell_len("".join(segment.text for segment in strip)) == view.size.width


async def test_the_head_stays_in_sight() -> None:
    app = Stage()
    async with app.run_test(size=(40, 6)):
        app.view.start("Books The old keeper")
        app.view.dim(0, 5, 13)
        assert dimmed(app.view) == "Theold"


async def test_nothing_is_wrapped_again_for_it() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)):
        view = app.view
        view.start("word " * 4000)
        wrapped = view._wrapped
        assert wrapped is not None
        before = wrapped.measured
        for end in range(100, 20_000, 100):
            view.dim(0, 0, end)
            strips(view)
        assert view._wrapped is wrapped and wrapped.measured == before


async def test_only_the_lines_that_change_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Stage()
    async with app.run_test(size=(21, 20)):
        view = app.view
        view.start("\n".join(f"line {n:02}" for n in range(20)))
        view.dim(0, 0, 24)
        drawn: list[tuple[int, int]] = []
        monkeypatch.setattr(view, "refresh_lines", lambda start, count: drawn.append((start, count)))
        view.dim(0, 0, 24)
        assert drawn == []
        view.dim(0, 0, 40)
        assert drawn == [(2, 4)]


async def test_text_that_comes_after_is_as_ever_and_a_new_text_is_in_sight() -> None:
    app = Stage()
    async with app.run_test(size=(40, 6)):
        view = app.view
        view.start("The old ")
        view.dim(0, 0, 8)
        view.add(0, "keeper")
        assert dimmed(view) == "Theold"
        view.start("The old keeper", 2)
        assert dimmed(view) == ""
        view.dim(1, 0, 8)
        assert dimmed(view) == ""
        view.sequence = 1
        assert dimmed(view) == "Theold"


async def test_a_selection_shows_on_it_and_holds_no_bars() -> None:
    app = Stage()
    async with app.run_test(size=(21, 6)) as pilot:
        view = app.view
        view.start("one two three four five six seven eight nine")
        view.dim(0, 0, 30)
        await pilot.pause()
        app.screen.selections = {view: Selection(Offset(0, 0), None)}
        await pilot.pause()
        assert view.get_selection(Selection(None, None)) == ("one two three four five six seven eight nine", "\n")
        selection = app.screen.get_component_rich_style("screen--selection").bgcolor
        first = next(iter(view.render_line(0)))
        assert first.style is not None and first.style.bgcolor == selection


def test_a_span_counts_the_marks_before_it() -> None:
    pieces = [Piece("prompt", "abc"), Piece("mark", "┊x┊"), Piece("model", "def"), Piece("mark", "┊y┊")]
    assert span(pieces, 0, 0) == (0, 0)
    assert span(pieces, 0, 3) == (0, 3)
    assert span(pieces, 1, 4) == (1, 7)
    assert span(pieces, 3, 6) == (6, 9)


def test_where_two_spans_look_different() -> None:
    assert rows((0, 10), (0, 10)) is None
    assert rows((0, 10), (0, 30)) == (9, 30)
    assert rows((5, 10), (0, 0)) == (0, 10)
