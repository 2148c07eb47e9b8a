"""A text file into the prompt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.app.driving import Hand, session
from tests.tui.app.test_hostile_text import obeyed
from tui.screens.open_file import OpenScreen
from tui.widgets.prompt import LONGEST_LINE, MOST


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "note.txt").write_text("the old\r\nking")
    (folder / "notes.txt").write_text("others")
    (folder / ".hidden").write_text("seen when asked for")
    (folder / "inner" / "deep.txt").write_text("deep")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    return folder


async def opened(hand: Hand) -> OpenScreen:
    await hand.press("alt+o")
    await hand.until(lambda: isinstance(hand.app.screen, OpenScreen) and hand.app.screen.query("Input"))
    screen = hand.app.screen
    assert isinstance(screen, OpenScreen)
    await hand.until(lambda: screen._field.has_focus)
    return screen


def names(screen: OpenScreen) -> list[str]:
    return [entry.name for entry in screen._entries]


async def typed(hand: Hand, screen: OpenScreen, path: str) -> None:
    screen._field.value = path
    await hand.settle()


async def test_a_file_is_inserted_at_the_cursor_and_can_be_taken_back(record: Path, tiny: Path, folder: Path) -> None:
    async with session(record, tiny, prompt="ab") as hand:
        await hand.press("right")
        screen = await opened(hand)
        await hand.until(lambda: names(screen) == ["inner/", "note.txt", "notes.txt"])
        await hand.press(*"note.txt", "enter")
        await hand.until(lambda: hand.prompt.text == "athe old\nkingb")
        assert hand.app.focused is hand.prompt and "12 characters" in hand.screen_text()
        await hand.press("ctrl+z")
        assert hand.prompt.text == "ab"


async def test_paths_are_completed(record: Path, tiny: Path, folder: Path) -> None:
    async with session(record, tiny) as hand:
        screen = await opened(hand)
        await hand.press("enter")
        assert hand.app.screen is screen, "nothing is meant yet"
        await hand.press("i", "tab")
        await hand.until(lambda: screen._field.value == "inner/" and names(screen) == ["deep.txt"])
        await hand.press("down", "enter")
        await hand.until(lambda: hand.prompt.text == "deep")
        screen = await opened(hand)
        await typed(hand, screen, "~/inn")
        await hand.press("enter")
        await hand.until(lambda: screen._field.value == "~/inner/")
        await hand.press("d", "enter")
        await hand.until(lambda: hand.prompt.text == "deepdeep")
        screen = await opened(hand)
        await hand.press(*".h")
        await hand.until(lambda: names(screen) == [".hidden"])
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("latin", "žluť".encode("iso-8859-2"), "no UTF-8 text"),
        ("binary", b"\x7fELF\0\0", "binary"),
        ("vast", b"x\n" * MOST, f"takes {MOST:,}"),
        ("line", b"x" * (LONGEST_LINE + 1), f"takes {LONGEST_LINE:,} in one"),
        ("p\x1b]0;x\x07", b"\xff", "no UTF-8 text"),
    ],
)
async def test_what_is_no_prompt_is_refused_in_a_line(
    record: Path, tiny: Path, folder: Path, name: str, raw: bytes, why: str
) -> None:
    (folder / name).write_bytes(raw)
    async with session(record, tiny, prompt="ab") as hand:
        screen = await opened(hand)
        await typed(hand, screen, name)
        await hand.press("enter")
        await hand.until(lambda: hand.notes)
        assert why in hand.notes[0].text and hand.prompt.text == "ab" and not obeyed(hand)


async def test_what_is_no_file_is_said(record: Path, tiny: Path, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    async with session(record, tiny) as hand:
        screen = await opened(hand)
        for path, why in (
            ("nothing", "no such file"),
            ("no/such/x", "no such file"),
            ("~nobody-here/x", "home folder"),
        ):
            await typed(hand, screen, path)
            await hand.press("enter")
            await hand.until(lambda why=why: why in hand.screen_text())  # type: ignore[misc]
            assert hand.app.screen is screen
        await typed(hand, screen, "pipe")
        await hand.press("enter")
        await hand.until(lambda: hand.note("open"))
        assert "a pipe" in hand.notes[0].text


async def test_names_that_a_terminal_would_obey_are_listed_as_signs(record: Path, tiny: Path, folder: Path) -> None:
    name = "a\x1b]0;owned\x07[@click=app.bell]"
    (folder / name).write_text("harmless")
    async with session(record, tiny) as hand:
        screen = await opened(hand)
        await hand.press("a", "tab")
        await hand.settle()
        assert not obeyed(hand) and "a␛]0;owned␇[@click=app.bell]" in hand.screen_text()
        assert screen._field.meant == name
        await hand.press("enter")
        await hand.until(lambda: hand.prompt.text == "harmless")
