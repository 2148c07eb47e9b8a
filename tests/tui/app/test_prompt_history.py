"""Earlier prompts: listed, searched, walked through, and kept for the next session."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key
from textual.widgets import Input

from engine.session.history import PromptHistory
from tests.tui.app.driving import Hand, session
from tests.tui.app.test_hostile_text import HOSTILE, obeyed
from tui.screens.prompts import PromptsScreen


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "textgen-tui"


def kept(*prompts: str) -> None:
    history = PromptHistory()
    for prompt in prompts:
        history.add(prompt)


async def listed(hand: Hand) -> PromptsScreen:
    await hand.press("alt+p")
    await hand.until(lambda: isinstance(hand.app.screen, PromptsScreen) and hand.app.screen.query("OptionList"))
    screen = hand.app.screen
    assert isinstance(screen, PromptsScreen)
    return screen


async def test_what_was_run_is_kept_and_found_in_the_next_session(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        await hand.press("alt+p")
        await hand.settle()
        assert hand.app.screen is hand.app.main and "no earlier prompts" in hand.screen_text()
        for prompt in ("the old king", "a second\nof two lines", "the old queen"):
            await hand.run(prompt)
    async with session(record.with_name("next.jsonl"), tiny, prompt="typed") as hand:
        screen = await listed(hand)
        assert screen._shown == ["the old queen", "a second\nof two lines", "the old king"]
        assert "2 lines  a second" in hand.screen_text()
        await hand.press(*"old ")
        await hand.until(lambda: screen._shown == ["the old queen", "the old king"])
        await hand.press("down", "enter")
        await hand.until(lambda: hand.prompt.text == "the old king")
        assert hand.app.focused is hand.prompt
        await hand.press("ctrl+z")
        assert hand.prompt.text == "typed"
        await listed(hand)
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        assert hand.prompt.text == "typed"


async def test_the_arrows_walk_as_in_a_shell(record: Path, tiny: Path) -> None:
    kept("one", "two", "three")
    async with session(record, tiny) as hand:
        await hand.press(*"ty", "alt+up")
        assert hand.prompt.text == "three"
        await hand.press("alt+up", "alt+up", "alt+up")
        assert hand.prompt.text == "one" and "oldest" in hand.screen_text()
        await hand.press("alt+down", "alt+down", "alt+down")
        assert hand.prompt.text == "ty"
        await hand.press("alt+up", "alt+up", "X", "alt+up")
        assert hand.prompt.text == "three", "what was changed is what is being typed"
        await hand.press("alt+down")
        assert hand.prompt.text == "twoX"
        await hand.press("ctrl+z", "ctrl+z", "ctrl+z")
        assert hand.prompt.text == "two"
        hand.output.focus()
        await hand.press("alt+up")
        assert hand.prompt.text == "two", "they are the prompt's keys"


async def test_a_prompt_that_was_run_is_the_newest_of_the_walk(record: Path, tiny: Path) -> None:
    kept("one", "two")
    async with session(record, tiny) as hand:
        await hand.press("alt+up", "alt+up", "ctrl+j")
        await hand.finished()
        await hand.press("alt+up")
        assert hand.prompt.text == "two"


async def test_a_prompt_comes_into_sight_where_the_settings_lay_over_it(record: Path, tiny: Path) -> None:
    kept("the old king")
    async with session(record, tiny, size=(80, 24)) as hand:
        await hand.press("ctrl+t")
        await hand.until(lambda: not hand.prompt.region)
        screen = await listed(hand)
        hand.app.post_message(Key("alt+p", "p"))
        await hand.settle()
        assert screen.query_one(Input).value == "", "a letter with alt is never typed"
        await hand.press("enter")
        await hand.until(lambda: hand.app.focused is hand.prompt and "the old king" in hand.screen_text())


async def test_hostile_and_very_long_prompts_are_listed_as_signs(record: Path, tiny: Path) -> None:
    kept(HOSTILE, "x" * 90_000, "\n" * 500 + "end")
    async with session(record, tiny) as hand:
        screen = await listed(hand)
        await hand.settle()
        assert not obeyed(hand) and "␛]52;c;QUJD␇" in hand.screen_text()
        assert all(len(line) == 120 for line in hand.screen_lines())
        assert screen._list.virtual_size.height <= 4


async def test_a_thousand_prompts_can_be_searched(record: Path, tiny: Path) -> None:
    path = PromptHistory().path
    path.parent.mkdir(parents=True)
    path.write_text("".join(f'{{"prompt": "prompt number {number} {"y" * 1000}"}}\n' for number in range(1500)))
    async with session(record, tiny) as hand:
        screen = await listed(hand)
        assert len(screen._shown) == 1000
        await hand.press(*"1234")
        await hand.until(lambda: len(screen._shown) == 1)
        await hand.press("enter")
        await hand.until(lambda: hand.prompt.text.startswith("prompt number 1234 yyy"))


async def test_where_nothing_can_be_written_the_session_remembers(record: Path, tiny: Path, data: Path) -> None:
    data.parent.mkdir()
    data.write_text("a file in the folder's place")
    async with session(record, tiny) as hand:
        await hand.run("the old king")
        note = hand.note("history")
        assert note is not None and note.level == "warning" and "until you leave" in note.text
        await hand.run("the old queen")
        assert hand.note("history") is None, "it is told once"
        assert (await listed(hand))._shown == ["the old queen", "the old king"]
