"""The widget as a reader meets it: following, places kept, selection, marks, sequences."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import SELECT_ALL, Selection
from textual.strip import Strip

from tui.widgets.output import OutputView

WIDTH, HEIGHT = 21, 6  # one column for the scroll bar, one for the cursor: 19 for text
HOSTILE = "\x1b]52;c;QUJD\x07 \x9b31m \u202egnp.exe\u2066 [@click=app.bell]x[/] \x08\r\x00"


class Stage(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield OutputView("Nothing yet")

    @property
    def view(self) -> OutputView:
        return self.query_one(OutputView)


def rows(view: OutputView) -> list[str]:
    """What is in sight, without the spaces at the end."""
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips(view)]


def strips(view: OutputView) -> Iterator[Strip]:
    return (view.render_line(y) for y in range(view.size.height))


async def stage_with_lines(pilot: Pilot[None], count: int) -> OutputView:
    assert isinstance(pilot.app, Stage)
    view = pilot.app.view
    view.start("")
    view.add(0, "\n".join(f"line {number}" for number in range(count)))
    view.focus()
    await pilot.pause()
    return view


@pytest.mark.asyncio
async def test_the_hint_is_centred_until_there_is_text() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        assert rows(app.view) == ["", "", "     Nothing yet", "", "", ""]
        await pilot.pause()
        assert "Nothing" in app.export_screenshot()
        app.view.add(0, "Once")
        await pilot.pause()
        assert rows(app.view)[0] == "Once"
        assert "Nothing" not in app.export_screenshot()
        app.view.start("")
        await pilot.pause()
        assert "Nothing" in app.export_screenshot()


@pytest.mark.asyncio
async def test_text_told_before_the_first_layout_is_shown() -> None:
    class Early(Stage):
        def compose(self) -> ComposeResult:
            view = OutputView()
            view.start("Once", 2)
            view.add(0, " upon")
            view.streaming = True
            yield view

    app = Early()
    async with app.run_test(size=(WIDTH, HEIGHT)):
        assert rows(app.view)[0] == "Once upon▌"


@pytest.mark.asyncio
async def test_kinds_are_drawn_apart() -> None:
    app = Stage()
    async with app.run_test(size=(60, HEIGHT)):
        view = app.view
        view.start("prompt")
        view.add(0, " model")
        view.add(0, "<|end|>", "special")
        view.add(0, " mine", "human")
        view.add(0, "k 0 → 40", "mark")
        styles = {segment.text: segment.style for segment in view.render_line(0) if segment.style}
        told = ("prompt", " model", "<|end|>", " mine", "┊k 0 → 40┊")
        prompt, model, special, human, mark = (styles[text] for text in told)
        assert prompt.italic and not model.italic and human.underline and not model.underline
        assert len({str(style.color) for style in (prompt, model, special, human, mark)}) == 5


@pytest.mark.asyncio
async def test_a_cursor_stands_at_the_end_while_streaming() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = app.view
        view.start("a" * 19)
        view.streaming = True
        await pilot.pause()
        assert rows(view)[:2] == ["a" * 19 + "▌", ""]
        view.add(0, "   ")
        assert rows(view)[:2] == ["a" * 19 + "▌", ""]
        view.add(0, "b\n")
        assert rows(view)[1:3] == ["b", "▌"]
        view.streaming = False
        assert "▌" not in "".join(rows(view))


@pytest.mark.asyncio
async def test_the_end_is_followed() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = await stage_with_lines(pilot, 20)
        assert rows(view) == [f"line {number}" for number in range(14, 20)]
        view.add(0, "\nline 20")
        assert rows(view)[-1] == "line 20"
        await pilot.pause()
        assert view.vertical_scrollbar.position == view.scroll_y == view.max_scroll_y


@pytest.mark.parametrize("key", ["up", "pageup", "home"])
@pytest.mark.asyncio
async def test_a_reader_who_scrolled_up_is_never_pulled_back(key: str) -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = await stage_with_lines(pilot, 20)
        await pilot.press(key)
        view.add(0, " and")  # while the scrolling may still be under way
        await pilot.wait_for_scheduled_animations()
        assert not view.following
        before = rows(view)
        top = view.scroll_y
        for _ in range(30):
            view.add(0, "more\nand more")
            await pilot.pause()
        assert view.scroll_y == top < view.max_scroll_y
        assert [row for row in rows(view) if "and" not in row] == [row for row in before if "and" not in row]


@pytest.mark.asyncio
async def test_reaching_the_end_again_follows_again() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = await stage_with_lines(pilot, 20)
        for key in ("down", "pagedown", "end"):
            await pilot.press("up")
            await pilot.wait_for_scheduled_animations()
            assert not view.following
            await pilot.press(key)
            await pilot.wait_for_scheduled_animations()
            await pilot.pause()
            assert view.following, key
            view.add(0, "\nlast")
            assert rows(view)[-1] == "last"


@pytest.mark.asyncio
async def test_the_wheel_scrolls() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = await stage_with_lines(pilot, 20)
        await pilot._post_mouse_events([MouseScrollUp], view, offset=(1, 1))
        await pilot.wait_for_scheduled_animations()
        assert not view.following
        view.add(0, "\nmore")
        assert "more" not in rows(view)
        for _ in range(3):
            await pilot._post_mouse_events([MouseScrollDown], view, offset=(1, 1))
            await pilot.wait_for_scheduled_animations()
        assert view.following
        assert rows(view)[-1] == "more"


@pytest.mark.asyncio
async def test_another_width_keeps_the_place() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = app.view
        view.start("")
        view.add(0, " ".join(f"word{number:03}" for number in range(200)))
        await pilot.pause()
        view.scroll_to(y=30, animate=False)
        first = rows(view)[0].split()[0]
        for width in (40, 13, 33, WIDTH):
            await pilot.resize_terminal(width, HEIGHT)
            await pilot.pause()
            assert first in rows(view)[0]
            assert not view.following
        assert view.scroll_y == 30
        view.scroll_end(animate=False)
        await pilot.pause()
        for width, height in ((40, HEIGHT), (15, 3), (15, 12)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert rows(view)[-1].endswith("word199")


@pytest.mark.asyncio
async def test_sequences() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = app.view
        view.start("Q:", 3)
        view.extend([(0, " one", "model"), (2, " three", "model"), (0, "!", "model")])
        view.extend([(2, "t 1 → 2", "mark")])
        assert view.sequences == 3
        assert (view.sequence, rows(view)[0]) == (0, "Q: one!")
        view.sequence = 2
        await pilot.pause()
        assert rows(view)[0] == "Q: three┊t 1 → 2┊"
        assert [view.text(number) for number in range(3)] == ["Q: one!", "Q:", "Q: three"]
        assert view.text(prompt=False) == " three"
        view.sequence = 9
        assert view.sequence == 2
        with pytest.raises(IndexError):
            view.add(3, "x")
        view.start("again")
        assert (view.sequence, view.sequences, rows(view)[0]) == (0, 1, "again")


@pytest.mark.asyncio
async def test_only_the_changed_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, 12)) as pilot:
        view = await stage_with_lines(pilot, 5)
        drawn: list[int] = []
        real = view.render_line

        def watched(y: int) -> Strip:
            drawn.append(y)
            return real(y)

        monkeypatch.setattr(view, "render_line", watched)
        view.extend([(0, " is", "model"), (0, " long", "model")])
        await pilot.pause()
        assert set(drawn) == {4}
        drawn.clear()
        view.start("", 2)
        await pilot.pause()
        drawn.clear()
        view.add(1, "unseen")
        await pilot.pause()
        assert drawn == []


@pytest.mark.asyncio
async def test_lines_that_stay_are_not_built_again() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = await stage_with_lines(pilot, 4)
        before = list(strips(view))
        view.add(0, "!")
        after = list(strips(view))
        assert [one is other for one, other in zip(before, after, strict=True)][:4] == [True] * 3 + [False]


async def drag(pilot: Pilot[None], view: OutputView, start: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(view, offset=start)
    await pilot.hover(view, offset=end)
    await pilot.mouse_up(view, offset=end)
    await pilot.pause()


@pytest.mark.asyncio
async def test_a_selection_is_raw_text_without_breaks_and_marks() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = app.view
        view.start("Two roads diverged")
        view.add(0, "  in a yellow\x9b wood,\n")
        view.add(0, "k 1 → 2", "mark")
        view.add(0, "and sorry")
        await pilot.pause()
        assert rows(view)[:4] == ["Two roads diverged", "in a yellow<9B>", "wood,", "┊k 1 → 2┊and sorry"]
        await drag(pilot, view, (4, 0), (3, 2))
        assert app.screen.get_selected_text() == "roads diverged  in a yellow\x9b wood"
        await drag(pilot, view, (0, 2), (12, 3))
        assert app.screen.get_selected_text() == "wood,\nand "
        assert view.get_selection(SELECT_ALL) == (view.text(), "\n")


@pytest.mark.asyncio
async def test_a_selection_is_seen_and_stays_with_its_text() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = app.view
        view.start("👩‍👩‍👧 one two three four five")
        await pilot.pause()
        await drag(pilot, view, (3, 0), (9, 0))
        assert app.screen.get_selected_text() == "one two"

        def highlighted() -> str:
            plain = view.rich_style.bgcolor
            return "".join(
                segment.text
                for strip in strips(view)
                for segment in strip
                if segment.style and segment.style.bgcolor != plain
            )

        assert highlighted() == "one two"
        view.add(0, " six seven")
        await pilot.resize_terminal(12, HEIGHT)
        await pilot.pause()
        assert app.screen.get_selected_text() == "one two"
        assert highlighted() == "one two"
        view.start("other")
        assert app.screen.get_selected_text() is None


@pytest.mark.asyncio
async def test_a_selection_outlives_what_it_selected() -> None:
    app = Stage()
    async with app.run_test(size=(WIDTH, HEIGHT)):
        view = app.view
        view.start("abc")
        far = Selection(Offset(3, 500), Offset(9, 900))
        assert view.get_selection(far) == ("", "\n")


@pytest.mark.asyncio
async def test_hostile_text_is_shown_and_not_obeyed() -> None:
    app = Stage()
    async with app.run_test(size=(60, HEIGHT)) as pilot:
        view = app.view
        view.start(HOSTILE)
        view.add(0, HOSTILE)
        view.add(0, HOSTILE, "special")
        view.add(0, HOSTILE, "mark")
        view.streaming = True
        await pilot.pause()
        seen = "".join(segment.text for strip in strips(view) for segment in strip)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", seen)
        for sign in ("␛]52;c;QUJD␇", "<9B>31m", "<RLO>gnp.exe<LRI>", "[@click=app.bell]x[/]"):
            assert sign in seen
        assert all("@click" not in segment.style.meta for strip in strips(view) for segment in strip if segment.style)
        assert view.text() == HOSTILE * 3
