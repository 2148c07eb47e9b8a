"""Pictures of the screen, kept as text. UPDATE_SNAPSHOTS=1 takes them anew; look at them before they are kept."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import pytest

from engine.settings import Settings
from tests.scripted import scripted
from tests.tui.app.driving import Hand, session
from tui.widgets.status import StatusLine, TitleLine

KEPT = Path(__file__).parent.parent / "snapshots"
SIZES = [(60, 16), (80, 24), (120, 36), (200, 60)]
LOOKS = 200
STATES = ["start", "held", "finished", "settings", "help"]
PROMPT = "The lighthouse "
WRITES = "keeper counted the ships, and then, since none came, he counted the waves.\n\nThere were more of those."


@pytest.fixture(scope="session")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that writes the same on every machine."""
    return scripted(tmp_path_factory.mktemp("keeper") / "keeper", PROMPT, WRITES)


async def bring(hand: Hand, state: str) -> None:
    """The session into the state to be seen."""
    if state == "held":
        await hand.press("ctrl+n")
        for number in range(1, 25):
            await hand.until(lambda count=number: hand.app.session.new_tokens == count and hand.stage == "paused")
            if number < 24:
                await hand.press("ctrl+n")
    if state in ("finished", "settings", "help"):
        await hand.run()
    if state == "settings":
        await hand.press("ctrl+t")
    if state == "help":
        hand.output.focus()
        await hand.press("question_mark")


async def compare(hand: Hand, picture: Path) -> None:
    """Wait until the screen is as in the picture; say what differs where it never is."""
    if "UPDATE_SNAPSHOTS" in os.environ:
        await hand.pilot.pause(1)  # a moment to come to rest
        picture.write_text("\n".join(seen(hand)) + "\n", encoding="utf-8")
    kept = picture.read_text(encoding="utf-8").splitlines()
    for _ in range(LOOKS):
        if seen(hand) == kept:
            return
        await hand.pilot.pause(0.05)
    pytest.fail("\n".join(difflib.unified_diff(kept, seen(hand), "kept", "now", lineterm="")))


def seen(hand: Hand) -> list[str]:
    """The screen, without the spaces at the ends of the lines."""
    return [line.rstrip() for line in hand.screen_lines()]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
async def test_the_screen_looks_as_it_did(
    keeper: Path, record: Path, monkeypatch: pytest.MonkeyPatch, state: str, size: tuple[int, int]
) -> None:
    # What differs from machine to machine is left out: how fast, how much memory, on what, from where.
    update = StatusLine.update
    unsteady = ("tokens_per_s", "first_token_s", "memory_bytes", "cache")

    def steadied(self: StatusLine, **changes: Any) -> None:
        update(self, **{name: value for name, value in changes.items() if name not in unsteady})

    monkeypatch.setattr(StatusLine, "update", steadied)
    monkeypatch.setattr(StatusLine, "hint", lambda self, text: None)  # they pass
    for module in ("pane", "table"):  # all but the likeliest are as good as equal, and may come in any order
        monkeypatch.setattr(f"tui.widgets.lens.{module}.places", lambda weighing, most: [0])
    settings = Settings(max_new_tokens=200, seed=5)
    async with session(record, keeper, settings, size=size, prompt=PROMPT) as hand:
        hand.app.animation_level = "none"
        hand.pane(TitleLine).facts = None
        await bring(hand, state)
        await compare(hand, KEPT / f"{state}-{size[0]}x{size[1]}.txt")
        if state == "held":
            await hand.press("escape")
            await hand.finished()
