"""Text that wants more than to be read: nothing of it reaches the terminal, and the record keeps it raw."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.events import Paste

from tests.scripted import scripted
from tests.tui.app.driving import SHORT, Hand, marks, session

HOSTILE = "\x1b]52;c;QUJD\x07\x9b31m\u202egpj.exe\u2066 [@click=app.bell]x[/] \x7f\x00\u200b[bold]\r\u2028end"


def obeyed(hand: Hand) -> list[str]:
    """What a terminal would obey of all that is drawn, and whatever would act when it is clicked."""
    found = []
    for strip in hand.app.screen._compositor.render_strips():
        for text, style, control in strip:
            assert isinstance(text, str) and not control
            if not text.isprintable():
                found.append(repr(text))
            if style is not None and ("@click" in style.meta or style.link):
                found.append(repr((text, style.meta, style.link)))
    return found


async def paste(hand: Hand, text: str) -> None:
    hand.prompt.focus()
    await hand.pilot.pause()
    hand.app.post_message(Paste(text))
    await hand.until(lambda: hand.prompt.text)


def test_the_check_would_see_it() -> None:
    assert not HOSTILE.isprintable() and Segment(HOSTILE).text == HOSTILE


async def test_a_hostile_prompt_is_shown_as_signs_and_kept_raw(tiny: Path, record: Path) -> None:
    async with session(record, tiny) as hand:
        await paste(hand, HOSTILE)
        raw = hand.prompt.text
        assert raw.replace("\n", "") == HOSTILE.replace("\r", "").replace("\u2028", "") or raw == HOSTILE
        await hand.run()
        assert not obeyed(hand)
        screen = hand.screen_text()
        assert "␛]52;c;QUJD␇" in screen and "[@click=app.bell]x[/]" in screen and "<RLO>" in screen
        assert hand.lines("run")[0]["prompt"] == raw
        assert "\x1b]52;c;QUJD\x07\x9b31m\u202e" in hand.lines("prepared")[0]["text"]


async def test_a_prompt_of_many_control_characters_stays_within_its_pane(tiny: Path, record: Path) -> None:
    async with session(record, tiny) as hand:
        hand.prompt.text = "\x1b" * 300 + "\x9b" * 300
        await hand.settle()
        assert not obeyed(hand) and all(len(line) <= 120 for line in hand.screen_lines())


async def test_a_hostile_model_text_is_shown_as_signs_and_kept_raw(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", HOSTILE)
    async with session(record, model, SHORT.changed(max_new_tokens=-1, eos_token_id=None), prompt="a") as hand:
        await hand.press("ctrl+j")
        await hand.finished()
        await hand.settle()
        assert not obeyed(hand)
        assert "␛]52;c;QUJD␇<9B>31m<RLO>gpj.exe<LRI> [@click=app.bell]x[/]" in hand.screen_text()
        text = hand.output.text(prompt=False).removesuffix("<|endoftext|>")
        assert text == HOSTILE
        assert "".join(line["text"] for line in hand.lines("token")).removesuffix("<|endoftext|>") == HOSTILE
        x = next(line.index("bell]x") for line in hand.screen_lines() if "bell]x" in line)
        rung: list[bool] = []
        hand.app.bell = lambda: rung.append(True)  # type: ignore[method-assign]
        await hand.pilot.click(offset=(x + 5, hand.output.region.y + 1))
        await hand.settle()
        assert not rung


async def test_a_hostile_model_name_is_shown_as_signs(tiny: Path, tmp_path: Path, record: Path) -> None:
    folder = tmp_path / "m\x1b]0;owned\x07[@click=app.bell][red"
    shutil.copytree(tiny, folder)
    async with session(record, folder, prompt="the old") as hand:
        await hand.run()
        assert not obeyed(hand) and "␛]0;owned␇[@click=app.bell][red" in hand.screen_text()
        assert hand.lines("run")[0]["model"]["name"] == str(folder)


async def test_a_hostile_name_of_no_model_is_shown_as_signs(tmp_path: Path, record: Path) -> None:
    async with session(record, tmp_path / "\x1b]0;owned\x07[/]", prompt="the old", wait=False) as hand:
        await hand.until(lambda: hand.note("load"))
        await hand.loaded()
        await hand.settle()
        assert not obeyed(hand) and "[/]" in hand.screen_text()


async def test_hostile_settings_are_shown_as_signs(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(stop_token="\x1b]52;c;QUJD\x07[/]", prefix="\x9b2J")
    async with session(record, tiny, settings, prompt="the old") as hand:
        hand.panel.highlight("prefix")
        await hand.run()
        assert not obeyed(hand)
        await hand.change(max_new_tokens=-1)
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.change(stop_token="\x1b]0;x\x07[@click=app.bell]y[/]")
        await hand.until(lambda: marks(hand.output))
        assert not obeyed(hand)
        await hand.press("escape")
        await hand.finished()


@pytest.mark.parametrize("prompt", ["\udcff", "a\ud800b"])
async def test_a_prompt_that_cannot_be_encoded_ends_nothing(tiny: Path, record: Path, prompt: str) -> None:
    async with session(record, tiny, prompt=prompt) as hand:
        await hand.settle()
        await hand.run()
        hand.output.focus()
        await hand.press("y")
        await hand.settle()
        assert hand.app.is_running and not obeyed(hand)
        await hand.run("the old")
        assert len(hand.runs()[-1]) == 12 + 4
