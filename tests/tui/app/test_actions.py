"""The registry of actions against the app: every key is bound, told and listed, and leaving leaves nothing behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.tui.app.driving import LONG, Hand, session
from tui.action import shown
from tui.actions import ACTIONS
from tui.widgets.key_bar import KeyBar

FORBIDDEN = {"f1", "f10", "f11", "f12", "ctrl+i", "ctrl+m", "ctrl+h", "ctrl+b"}


def test_no_key_is_one_that_terminals_keep_and_none_acts_twice() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert not FORBIDDEN & set(keys) and len(set(keys)) == len(keys)
    assert len({action.id for action in ACTIONS}) == len(list(ACTIONS))
    assert all(action.label and action.help.endswith(".") for action in ACTIONS)


async def test_every_action_is_bound_to_its_key_and_is_there(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        for action in ACTIONS:
            for key in action.keys:
                [binding] = hand.app._bindings.get_bindings_for_key(key)
                assert binding.action == action.action
                assert binding.priority == (action.everywhere and len(shown(key)) > 1)
            name = action.action.partition("(")[0]
            assert callable(getattr(hand.app, f"action_{name}"))


async def test_every_action_is_in_the_footer_and_in_the_palette(record: Path, tiny: Path) -> None:
    async with session(record, tiny, size=(200, 60)) as hand:
        screen = hand.screen_text()
        told = ACTIONS.entries(hidden=hand.pane(KeyBar).hidden)
        told = [entry for entry in told if entry.in_footer]
        assert all(f"{entry.shown} {entry.label}" in screen for entry in told)
        assert hand.pane(KeyBar).hidden == {"choose"}, "there is nothing to choose with this family"
        keys = " ".join(entry.shown for entry in ACTIONS.entries() if entry.in_footer).replace("/", " ").split()
        assert sorted(keys) == sorted(action.shown_key for action in ACTIONS if action.in_footer and action.keys)
        commands = list(hand.app.get_system_commands(hand.app.screen))
        assert len({command.title for command in commands}) == len(list(ACTIONS))
        for action in ACTIONS:
            title = f"{action.label} ({action.shown_key})" if action.keys else action.label
            assert [command.help for command in commands if command.title == title] == [action.help]


@pytest.mark.parametrize("width", [40, 60, 78, 98, 118, 198])
def test_the_footer_has_two_lines_at_most_and_leaves_out_what_matters_least(width: int) -> None:
    lines = KeyBar(ACTIONS).lines(width)
    shown_keys = [keys for line in lines for keys, _ in line]
    assert len(lines) <= 2 and all(len("  ".join(" ".join(entry) for entry in line)) <= width for line in lines)
    entries = [entry for entry in ACTIONS.entries({"choose"}) if entry.in_footer]
    kept = [entry.weight for entry in entries if entry.shown in shown_keys]
    left_out = [entry.weight for entry in entries if entry.shown not in shown_keys]
    assert kept and max(kept) <= min(left_out, default=2)
    assert [entry.shown for entry in entries if entry.shown in shown_keys] == shown_keys, "in their order"
    if width >= 78:
        assert {"^J", "esc", "^T", "^G", "alt+h", "^Q"} <= set(shown_keys)
    assert bool(left_out) == (width < 198)


async def through_palette(hand: Hand, words: str) -> None:
    await hand.press("ctrl+g")
    await hand.until(lambda: len(hand.app.screen_stack) == 2)
    await hand.press(*words)
    await hand.until(lambda: hand.app.screen.query("OptionList").first().option_count == 1)
    await hand.press("down", "enter")
    await hand.until(lambda: len(hand.app.screen_stack) == 1)


async def test_the_palette_does_what_it_lists(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        await through_palette(hand, "temperature up (F3)")
        await hand.until(lambda: hand.app.session.settings.temperature == 1.05)
        await through_palette(hand, "run (^J)")
        await hand.until(lambda: hand.lines("finish"))
        await through_palette(hand, "settings (^T)")
        await hand.until(lambda: hand.panel in (hand.app.focused or hand.app.screen).ancestors_with_self)


async def test_a_question_mark_in_the_prompt_is_one(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        await hand.press("question_mark")
        assert hand.prompt.text == "?" and len(hand.app.screen_stack) == 1


async def test_tokens_come_while_the_help_is_read(record: Path, tiny: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        hand.output.focus()
        await hand.press("ctrl+j")
        await hand.tokens(2)
        await hand.press("question_mark")
        seen = hand.app.session.new_tokens
        await hand.tokens(seen + 5)
        await hand.press("escape")
        assert hand.running, "escape closed the help and not the run"
        await hand.press("escape")
        await hand.finished()


async def test_copy_gives_the_text_without_the_lines_of_the_screen(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt="the old " * 30) as hand:
        await hand.run()
        hand.output.focus()
        await hand.press("y")
        assert hand.app.clipboard == hand.output.text() and "the old " * 30 in hand.app.clipboard


@pytest.mark.parametrize("state", ["running", "paused", "loading", "idle"])
async def test_leaving_ends_the_run_and_the_thread(record: Path, tiny: Path, state: str) -> None:
    async with session(record, tiny, LONG, prompt="the old", wait=state != "loading") as hand:
        if state in ("running", "paused"):
            await hand.press("ctrl+j")
            await hand.tokens(3)
        if state == "paused":
            await hand.press("ctrl+p")
            await hand.until(lambda: hand.stage == "paused")
        thread = hand.worker._thread
        await hand.press("ctrl+q")
        thread.join(60)
        assert not thread.is_alive() and thread not in threading.enumerate()
        await hand.until(lambda: not hand.app.is_running)
    if state in ("running", "paused"):
        assert hand.lines("finish")[0]["sequences"][0]["finish_reason"] == "cancelled"
