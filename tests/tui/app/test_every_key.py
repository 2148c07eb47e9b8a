"""Every key of the registry once in every state: nothing breaks, nothing hangs, and one can leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.app.conftest import Gate
from tests.tui.app.driving import LONG, Hand, session
from tui.actions import ACTIONS, KNOBS

LEAVING = ACTIONS["quit"].keys
SPARED = {key for pair in KNOBS.values() for key in pair[1:]} | {f"alt+{digit}" for digit in range(2, 10)}
"""More of the same: one knob's way and one preset stand for the others."""
KEYS = [key for action in ACTIONS for key in action.keys if key not in LEAVING and key not in SPARED]
MODAL = {
    "help": "question_mark",
    "palette": "ctrl+g",
    "prompts": "alt+p",
    "open": "alt+o",
    "save": "ctrl+s",
    "inspector": "alt+t",
    "recipes": "alt+c",
    "inside": "alt+i",
    "branches": "b",
    "compare": "alt+u",
    "finetune": "f",
}
STATES = (
    "loading",
    "empty",
    "typing",
    "running",
    "held",
    "finished",
    "editing",
    "finding",
    "settings",
    "notes",
    *MODAL,
)


async def bring(hand: Hand, state: str, gate: Gate) -> None:
    """The session into a state."""
    if state == "loading":
        return
    gate.open.set()
    await hand.loaded()
    if state in ("empty", "typing"):
        await hand.press(*({"empty": [], "typing": ["a"]}[state]))
        return
    hand.prompt.text = "the old "
    hand.app.keep_prompt("the old river")
    await hand.press("ctrl+j")
    await hand.tokens(2)
    if state in ("running", "held"):
        await hand.press(*(["ctrl+p"] if state == "held" else []))
        return
    await hand.press("escape")
    await hand.finished()
    if state in MODAL:
        hand.output.focus()
        await hand.press(MODAL[state])
        await hand.until(lambda: len(hand.app.screen_stack) == 2, state)
    elif state != "finished":
        await hand.press({"editing": "alt+e", "finding": "ctrl+f", "settings": "ctrl+t", "notes": "alt+n"}[state], "x")


async def leaves(hand: Hand) -> None:
    await hand.press("ctrl+q")
    await hand.until(lambda: not hand.app.is_running, "the end")
    await hand.until(lambda: not hand.worker._thread.is_alive(), "the end of the worker")
    assert not hand.app.return_code


@pytest.mark.parametrize("state", STATES)
async def test_one_can_leave(tiny: Path, record: Path, gate: Gate, state: str) -> None:
    async with session(record, tiny, LONG, wait=False) as hand:
        await bring(hand, state, gate)
        edited = state == "editing" and hand.app.editing
        gate.open.set()
        await leaves(hand)
    written = hand.lines("finish")
    assert bool(written) == (state not in ("loading", "empty", "typing"))
    assert not edited or "x" in hand.lines("edit")[0]["text"], "an open edit is taken over"


@pytest.mark.parametrize("state", STATES)
async def test_every_key(tiny: Path, record: Path, gate: Gate, state: str) -> None:
    async with session(record, tiny, LONG.changed(max_new_tokens=40), wait=False, size=(80, 24)) as hand:
        await bring(hand, state, gate)
        for key in KEYS:
            await hand.press(key)
            assert hand.app.is_running, key
        gate.open.set()
        await hand.until(lambda: hand.app.session.facts is not None, "the model")
        await leaves(hand)
