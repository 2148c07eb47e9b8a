"""Editing the output in place: what becomes of it, how a run goes on from it, what is on the screen and in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.safe_text import safe_text
from tests.scripted import scripted
from tests.tui.app.driving import LONG, SHORT, Hand, marks, pieces, session
from tests.tui.app.test_hostile_text import HOSTILE, obeyed
from tui.widgets.output_editor import OutputEditor

RIVER = " river and the sea"


def river(tmp_path: Path) -> Path:
    return scripted(tmp_path / "model", "a", RIVER)


async def edit(hand: Hand) -> OutputEditor:
    await hand.press("alt+e")
    await hand.until(lambda: hand.app.editing)
    await hand.settle()
    return hand.pane(OutputEditor)


async def test_the_editor_is_where_the_output_is_and_the_edit_is_underlined(tmp_path: Path, record: Path) -> None:
    async with session(record, river(tmp_path), SHORT.changed(eos_token_id=None), prompt="a") as hand:
        await hand.run()
        place, before, written = hand.output.region, hand.output.text(prompt=False), pieces(hand.output)
        hand.output.focus()
        await hand.press("e")
        await hand.settle()
        editor = hand.pane(OutputEditor)
        assert editor.region == place and editor.has_focus and editor.text == before
        assert "Output · editing" in hand.screen_text() and "esc takes it over" in hand.screen_text()
        await hand.press(*", so", "escape")
        await hand.until(lambda: not hand.app.editing)
        await hand.settle()
        assert hand.output.region == place and hand.output.has_focus
        assert hand.output.text(prompt=False) == before + ", so"
        assert pieces(hand.output) == [*written, ("human", ", so")]
        assert "edited" in hand.screen_text() and "by hand" in hand.screen_text()
        underlined = "".join(
            segment.text
            for strip in hand.app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.underline
        )
        assert underlined == "by hand, so", "what it says in the border looks like what it is about"
        assert hand.lines("edit") == [{"event": "edit", "sequence": 0, "text": before + ", so"}]


async def test_a_run_goes_on_from_what_was_edited(tmp_path: Path, record: Path) -> None:
    model = river(tmp_path)
    async with session(record, model, SHORT.changed(max_new_tokens=3), prompt="a") as hand:
        await hand.run()
        first = hand.output.text(prompt=False)
        drawn = len(hand.lines("token"))
        (await edit(hand)).move_cursor((0, 0))
        await hand.press(*"big", "ctrl+o")  # going on takes the edit over
        await hand.finished()
        await hand.settle()
        run = hand.lines("run")[1]
        assert run["prompt"] == "abig" + first and run["drawn"] == drawn and run["seed"] == 5
        assert hand.runs()[1][1]["text"] == "abig" + first
        assert pieces(hand.output)[:2] == [("prompt", "a"), ("human", "big")]
        assert len(hand.output.text(prompt=False)) > len("big" + first)
        events = [line["event"] for line in hand.lines("run", "edit")]
        assert events == ["run", "edit", "run"]


async def test_the_random_stream_goes_on_over_an_edit(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        await edit(hand)
        await hand.press(*" and", "escape", "ctrl+o")
        await hand.until(lambda: len(hand.lines("finish")) == 2)
        await hand.finished()
        assert hand.lines("run")[1]["drawn"] == 12
        once = [line["id"] for line in hand.runs()[1] if line["event"] == "token"]
        hand.output.focus()
        await hand.press("r")
        await hand.until(lambda: len(hand.lines("finish")) == 3)
        assert [line["id"] for line in hand.runs()[2] if line["event"] == "token"] == once


async def test_marks_and_the_models_own_words_stay(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        await hand.press("f3", "ctrl+o")
        await hand.finished()
        await hand.settle()
        before = pieces(hand.output)
        [(text, label)] = marks(hand.output)
        await edit(hand)
        await hand.press(*" end", "escape")
        await hand.until(lambda: not hand.app.editing)
        assert pieces(hand.output) == [*before, ("human", " end")]
        (await edit(hand)).move_cursor((0, 0))
        await hand.press("N", "escape")
        await hand.until(lambda: pieces(hand.output)[1] == ("human", "N"))
        assert marks(hand.output) == [("N" + text, label)]


async def test_an_edit_given_up_is_undone_and_can_still_be_had(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        before = pieces(hand.output)
        await edit(hand)
        await hand.press(*"never mind", "alt+z")
        await hand.until(lambda: not hand.app.editing and pieces(hand.output) == before)
        assert hand.output.display
        await hand.press("alt+y")
        await hand.until(lambda: pieces(hand.output) == [*before, ("human", "never mind")])


async def test_nothing_changed_is_no_edit(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        steps = hand.app.session.timeline.steps
        await edit(hand)
        await hand.press("x", "backspace", "alt+e")
        await hand.until(lambda: not hand.app.editing)
        await hand.settle()
        assert hand.app.session.timeline.steps == steps and not hand.lines("edit")
        assert "length reached" in hand.screen_text()
        await hand.press("ctrl+o")
        await hand.finished()
        prefill = next(line for line in hand.runs()[1] if line["event"] == "prefill")
        assert prefill["reused"] == prefill["tokens"] - 1, "it goes on from its own tokens"


async def test_all_of_it_can_be_deleted_and_written_by_hand(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        editor = await edit(hand)
        editor.select_all()
        await hand.press("backspace", *" sea", "enter", *"and sky", "escape")
        await hand.until(lambda: pieces(hand.output) == [("prompt", "the old"), ("human", " sea\nand sky")])
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.lines("run")[1]["prompt"] == "the old sea\nand sky"


async def test_a_run_under_way_is_not_edited(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.press("alt+e")
        await hand.until(lambda: "esc ends it" in hand.screen_text())
        assert not hand.app.editing and hand.running
        await hand.press("escape")
        await hand.finished()


async def test_each_of_several_is_edited_for_itself(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT.changed(num_return_sequences=2), prompt="the old") as hand:
        await hand.run()
        before = [pieces(hand.output, number) for number in range(2)]
        await edit(hand)
        await hand.press(*" one", "ctrl+l")  # to the other sequence: the edit is taken over
        await hand.until(lambda: hand.output.sequence == 1 and not hand.app.editing)
        await edit(hand)
        await hand.press(*" two", "escape")
        await hand.until(lambda: not hand.app.editing)
        assert [pieces(hand.output, number) for number in range(2)] == [
            [*before[0], ("human", " one")],
            [*before[1], ("human", " two")],
        ]
        assert [(line["sequence"], line["text"][-4:]) for line in hand.lines("edit")] == [(0, " one"), (1, " two")]
        await hand.press("alt+z")
        await hand.until(lambda: pieces(hand.output, 1) == before[1])
        assert pieces(hand.output, 0) == [*before[0], ("human", " one")]


async def test_a_reader_who_scrolled_up_edits_where_she_reads_and_stays_there(tiny: Path, record: Path) -> None:
    lines = "\n".join(f"line {number}" for number in range(200))
    async with session(record, tiny, SHORT, prompt="p\n") as hand:
        await hand.run()
        editor = await edit(hand)
        editor.select_all()
        editor.replace(lines, *editor.selection)
        await hand.press("escape")
        await hand.until(lambda: hand.output.text() == "p\n" + lines)
        await hand.until(lambda: hand.output.max_scroll_y > 101)
        await hand.settle()
        hand.output.scroll_to(y=101, animate=False)
        await hand.until(lambda: hand.output.scroll_y == 101)
        assert await edit(hand) is editor
        assert editor.cursor_location == (100, 0)
        await hand.until(lambda: "line 100" in hand.screen_text())
        await hand.press(*"my ", "escape")
        await hand.until(lambda: "my line 100\n" in hand.output.text())
        await hand.settle()
        assert hand.output.scroll_y == 101 and not hand.output.following and "my line 100" in hand.screen_text()


async def test_hostile_text_is_edited_as_signs_and_comes_out_as_it_went_in(tmp_path: Path, record: Path) -> None:
    text = HOSTILE + "\x0b\x0c\x1c\x85\u2029\t."
    model = scripted(tmp_path / "model", "a", text)
    async with session(record, model, SHORT.changed(max_new_tokens=-1, eos_token_id=None), prompt="a") as hand:
        await hand.run()
        before = pieces(hand.output)
        editor = await edit(hand)
        assert editor.document.line_count == 1, "nothing but a newline ends a line"
        assert not obeyed(hand) and safe_text("\x1b]52;c;QUJD\x07") in hand.screen_text()
        await hand.press("end", "x", "\x07", "escape")
        await hand.until(lambda: not hand.app.editing)
        await hand.settle()
        assert pieces(hand.output) == [*before, ("human", "x")] and not obeyed(hand)
        assert hand.lines("edit")[0]["text"].startswith(text)


async def test_a_hostile_paste_is_shown_as_signs(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        editor = await edit(hand)
        editor.insert(HOSTILE)
        await hand.settle()
        assert not obeyed(hand)
        await hand.press("escape")
        await hand.until(lambda: not hand.app.editing)
        await hand.settle()
        assert not obeyed(hand) and "\x1b]52;c;QUJD\x07" in hand.lines("edit")[0]["text"]


@pytest.mark.parametrize("key", ["ctrl+j", "ctrl+r", "ctrl+n"])
async def test_a_run_takes_the_edit_over_first(tiny: Path, record: Path, key: str) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        before = pieces(hand.output)
        await edit(hand)
        await hand.press(*"mine", key)
        await hand.until(lambda: len(hand.lines("run")) == 2)
        await hand.press("escape")
        await hand.finished()
        assert hand.lines("edit")[0]["text"].endswith("mine") and hand.output.display
        await hand.press("alt+z")
        await hand.until(lambda: pieces(hand.output) == [*before, ("human", "mine")])


async def test_leaving_in_the_middle_of_an_edit_writes_it_down(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        await edit(hand)
        await hand.press(*"mine", "ctrl+q")
        await hand.until(lambda: not hand.app.is_running)
        hand.worker._thread.join(60)
        assert hand.lines("edit")[0]["text"].endswith("mine")


async def test_a_resize_in_the_middle_of_an_edit(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        await edit(hand)
        await hand.press(*"mine")
        for size in ((80, 24), (50, 12), (120, 36)):
            await hand.pilot.resize_terminal(*size)
            await hand.settle()
        await hand.press("escape")
        await hand.until(lambda: not hand.app.editing)
        await hand.settle()
        assert hand.output.text().endswith("mine") and "mine" in hand.screen_text()


async def test_a_stop_text_is_cut_for_the_model_too(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", " river. THE END and more")
    async with session(record, model, SHORT.changed(stop_token="THE END", max_new_tokens=40), prompt="a") as hand:
        await hand.run()
        count = len(hand.lines("token"))
        assert f"{count} new tokens · stop text" in hand.screen_text()
        await hand.change(stop_token="", max_new_tokens=2)
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.lines("run")[1]["prompt"] == "a river. " == hand.runs()[1][1]["text"]


async def test_on_a_narrow_screen_the_editor_comes_forth_from_behind_the_settings(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, size=(80, 24), prompt="the old") as hand:
        await hand.run()
        await hand.press("ctrl+t")
        editor = await edit(hand)
        assert editor.has_focus and editor.region and not hand.panel.region
        await hand.press(*"mine", "ctrl+t")
        await hand.settle()
        assert hand.app.editing and hand.panel.region
        await hand.press("alt+e")
        await hand.until(lambda: hand.output.text().endswith("mine") and not hand.app.editing)
