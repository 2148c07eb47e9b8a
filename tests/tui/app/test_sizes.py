"""What is in view at which size of the screen, also while text comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.widgets.key_bar import KeyBar
from tui.widgets.notes import NotesPane
from tui.widgets.output import OutputView
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.status import StatusLine, TitleLine

LINES = {TitleLine, StatusLine, KeyBar}
TEXT = {PromptPane, OutputView}
ALL = LINES | TEXT | {SettingsPanel, NotesPane}
NARROW, MEDIUM, WIDE, TINY = (80, 24), (110, 30), (200, 60), (60, 16)


def in_view(hand: Hand) -> set[type]:
    """The panes that are seen; each must lie on the screen and over no other."""
    screen = hand.app.screen_stack[0]
    seen = {kind: screen.query_one(kind).region for kind in ALL if screen.query_one(kind).region}
    for kind, region in seen.items():
        assert screen.region.contains_region(region), (kind, region)
        assert not any(region.overlaps(other) for name, other in seen.items() if name is not kind), seen
    return set(seen)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (WIDE, ALL),
        (MEDIUM, ALL),
        ((120, 36), ALL),
        (NARROW, ALL - {SettingsPanel}),
        ((66, 18), ALL - {SettingsPanel}),
        (TINY, TEXT),
        ((50, 12), TEXT),
    ],
)
async def test_the_panes_of_each_size(tiny: Path, record: Path, size: tuple[int, int], expected: set[type]) -> None:
    async with session(record, tiny, size=size, prompt="the old ") as hand:
        await hand.run()
        await hand.until(lambda: in_view(hand) == expected, str(in_view(hand)))
        lines = hand.screen_lines()
        assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)
        assert "the old" in hand.screen_text() and hand.output.size.height >= 2


async def test_on_a_narrow_screen_the_settings_fold_in_and_out(tiny: Path, record: Path) -> None:
    async with session(record, tiny, size=NARROW, prompt="the old ") as hand:
        await hand.run()
        await hand.press("ctrl+t")
        await hand.until(lambda: in_view(hand) == LINES | {SettingsPanel})
        assert "temperature" in hand.screen_text()
        await hand.press("down", "right")
        assert hand.app.session.settings.temperature == 1.05
        await hand.press("ctrl+t")
        await hand.until(lambda: in_view(hand) == ALL - {SettingsPanel})
        assert hand.app.focused is hand.prompt
        await hand.press("x")
        assert "x" in hand.prompt.text
        await hand.press("f3")
        assert hand.app.session.settings.temperature == 1.1


async def test_a_tiny_screen_still_runs_and_turns(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, size=TINY) as hand:
        await hand.press(*"old", "ctrl+j")
        await hand.tokens(3)
        await hand.press("f3")
        await hand.until(lambda: hand.lines("change"))
        await hand.press("escape")
        await hand.finished()
        await hand.press("ctrl+t")
        await hand.until(lambda: in_view(hand) == {SettingsPanel})
        await hand.press("ctrl+t")
        await hand.until(lambda: in_view(hand) == TEXT)


async def test_resizing_while_text_comes_loses_nothing(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        for size in (NARROW, WIDE, TINY, (20, 5), MEDIUM, (120, 36)):
            seen = hand.app.session.new_tokens
            await hand.pilot.resize_terminal(*size)
            await hand.tokens(seen + 5)
            assert hand.running
        await hand.press("escape")
        await hand.finished()
        await hand.until(lambda: in_view(hand) == ALL - {NotesPane})
        [end] = hand.lines("finish")[0]["sequences"]
        assert hand.output.text(prompt=False) == end["text"]
        assert end["text"].startswith("".join(line["text"] for line in hand.lines("token")))


async def test_a_resize_under_the_help_folds_the_panes_below_it(tiny: Path, record: Path) -> None:
    async with session(record, tiny) as hand:
        hand.output.focus()
        await hand.press("question_mark")
        await hand.pilot.resize_terminal(*NARROW)
        await hand.press("escape")
        await hand.until(lambda: in_view(hand) == LINES | TEXT, str(in_view(hand)))
        await hand.press("question_mark")
        await hand.pilot.resize_terminal(120, 36)
        await hand.press("escape")
        await hand.until(lambda: in_view(hand) == LINES | TEXT | {SettingsPanel})


async def test_the_settings_keys_do_not_reach_through_the_help(tiny: Path, record: Path) -> None:
    async with session(record, tiny, size=NARROW) as hand:
        hand.output.focus()
        await hand.press("question_mark", "ctrl+t", "escape")
        await hand.settle()
        shown = in_view(hand)
        focused = hand.app.focused
        assert focused is not None and any(type(pane) in shown for pane in focused.ancestors_with_self)


@pytest.mark.parametrize("size", [NARROW, MEDIUM])
async def test_the_focus_is_always_in_view_after_a_resize(tiny: Path, record: Path, size: tuple[int, int]) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        for place in ("settings", "prompt", "output"):
            await hand.pilot.resize_terminal(120, 36)
            {"settings": hand.panel, "prompt": hand.prompt, "output": hand.output}[place].focus()
            await hand.pilot.pause()
            await hand.pilot.resize_terminal(*size)
            await hand.settle()
            focused = hand.app.focused
            assert focused is None or focused.region, (place, focused)
            await hand.press("ctrl+t")
            await hand.settle()
            assert hand.app.focused is not None and hand.app.focused.region, (place, hand.app.focused)


async def test_on_a_tiny_screen_notes_find_and_help_are_a_key_away(tiny: Path, record: Path) -> None:
    async with session(record, tiny, size=TINY, prompt="the old ") as hand:
        await hand.press("alt+n")
        await hand.until(lambda: "There are no notes." in hand.screen_text())
        await hand.run()
        assert hand.notes, "the space at the prompt's end is told of"
        await hand.until(lambda: "note: alt+n" in hand.screen_text(), "that there is a note")
        await hand.press("alt+n")
        await hand.until(lambda: NotesPane in in_view(hand) and not TEXT & in_view(hand))
        await hand.press("alt+n")
        await hand.until(lambda: in_view(hand) & ALL - LINES == TEXT)
        assert hand.app.focused is hand.prompt
        await hand.press("ctrl+f")
        await hand.until(lambda: "find in the prompt" in hand.screen_text())
        await hand.press("escape")
        hand.output.focus()
        await hand.press("question_mark")
        await hand.until(lambda: "esc closes" in hand.screen_text())
        assert all(len(line) <= TINY[0] for line in hand.screen_lines())


async def test_on_a_tiny_screen_it_is_told_that_a_run_is_held(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, size=TINY, prompt="the old") as hand:
        await hand.press("ctrl+n")
        await hand.until(lambda: "⏸ paused" in hand.screen_text())
        await hand.press("escape")
        await hand.finished()
        await hand.until(lambda: in_view(hand) == TEXT)


async def test_on_a_wide_screen_the_notes_stand_beside_the_text(tiny: Path, record: Path) -> None:
    async with session(record, tiny, size=WIDE, prompt="the old ") as hand:
        await hand.until(lambda: "nothing to tell" in hand.screen_text())
        before = hand.output.region
        await hand.run()
        notes = hand.pane(NotesPane)
        assert hand.notes and hand.output.region == before, "nothing moves when a note comes"
        assert notes.region.x >= before.right and notes.region.height > 40
        assert "nothing to tell" not in hand.screen_text()
