"""The library's screen: what it lists and finds, and each thing that can be done there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.session.library import Library
from tests.engine.test_library import written
from tests.tui.app.driving import SHORT, Hand, session
from tui.library_actions import LIBRARY
from tui.screens.transcripts import TranscriptsScreen
from tui.widgets.entry_list import EntryList

HOSTILE = "\x1b]0;owned\x07[/][@click=app.bell]\u202e"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three sessions of before."""
    folder = tmp_path / "transcripts"
    written(folder / "a.jsonl", "the old river", " went by\nand by", age_days=3)
    written(folder / "b.jsonl", "the mill", " stood still", age_days=2, ended=False, model={"name": "gpt2"})
    written(folder / "named" / "My tale.jsonl", "the sea " + HOSTILE, " rose", age_days=1)
    return Library(folder)


def listed(hand: Hand) -> list[str]:
    return [entry.title for entry in hand.app.screen.query_one(EntryList).entries]


async def opened(hand: Hand) -> TranscriptsScreen:
    """The screen, once it has read all."""
    await hand.press("alt+s")
    await hand.until(
        lambda: isinstance(hand.app.screen, TranscriptsScreen) and not hand.app.screen._reading, "the list"
    )
    assert isinstance(hand.app.screen, TranscriptsScreen)
    return hand.app.screen


async def lists(hand: Hand, *titles: str) -> None:
    await hand.until(lambda: listed(hand) == list(titles), f"{titles}, not {listed(hand)}")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36)])
async def test_it_lists_and_searches_as_one_types(
    tiny: Path, record: Path, library: Library, size: tuple[int, int]
) -> None:
    async with session(record, tiny, library=library, size=size) as hand:
        await opened(hand)
        await lists(hand, "My tale", "the mill stood still", "the old river went by")
        screen = hand.screen_text()
        assert "cut off" in screen and "1 token" in screen and ("gpt2" in screen) == (size[0] > 100)
        assert all(len(line) <= size[0] for line in hand.screen_lines())
        assert not any(sign in screen for sign in HOSTILE if not sign.isprintable())
        assert all(entry.shown in screen for entry in LIBRARY.entries() if entry.weight == 0)
        await hand.press(*"RIVER by")
        await lists(hand, "the old river went by")
        if size[1] > 20:
            await hand.until(lambda: "and by" in hand.screen_text(), "its text")
        await hand.press(*"x")
        await hand.until(lambda: "No transcript has all of these words" in hand.screen_text())
        await hand.press("escape")
        await lists(hand, "My tale", "the mill stood still", "the old river went by")
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)


async def test_an_empty_one_says_what_will_be_there(tiny: Path, record: Path) -> None:
    async with session(record, tiny, size=(60, 16)) as hand:
        await opened(hand)
        await hand.until(lambda: "Nothing here yet" in hand.screen_text())
        for action in LIBRARY:
            if action.id != "library_close":
                await hand.press(*action.keys)
        assert isinstance(hand.app.screen, TranscriptsScreen)


async def test_one_is_named_deleted_and_brought_back(tiny: Path, record: Path, library: Library) -> None:
    async with session(record, tiny, library=library) as hand:
        await opened(hand)
        await lists(hand, "My tale", "the mill stood still", "the old river went by")
        await hand.press("down", "ctrl+n")
        await hand.until(lambda: len(hand.app.screen_stack) == 3)
        await hand.press("ctrl+u", *"My tale", "enter")
        await hand.until(lambda: "there is one of this name" in hand.screen_text())
        await hand.press("ctrl+n")
        await hand.until(lambda: len(hand.app.screen_stack) == 3)
        await hand.press("ctrl+u", *"The mill", "enter")
        await lists(hand, "My tale", "The mill", "the old river went by")
        assert (library.folder / "named" / "The mill.jsonl").exists()
        await hand.press("ctrl+d")
        await lists(hand, "My tale", "the old river went by")
        await hand.press("end", "ctrl+d")
        await hand.until(lambda: len(listed(hand)) == 1)
        assert len(list((library.folder / "bin").iterdir())) == 2
        await hand.press("ctrl+z", "ctrl+z", "ctrl+z")
        await lists(hand, "My tale", "The mill", "the old river went by")
        assert "Nothing was deleted here" in hand.screen_text() or len(list((library.folder / "bin").iterdir())) == 0


async def test_one_is_opened_and_another_is_played(tiny: Path, record: Path, library: Library) -> None:
    async with session(record, tiny, library=library) as hand:
        await opened(hand)
        await lists(hand, "My tale", "the mill stood still", "the old river went by")
        await hand.press("down", "enter")
        await hand.until(lambda: hand.output.text() == "the mill stood still")
        assert hand.app.record_path == library.folder / "b.jsonl" and hand.note("another-model")
        await opened(hand)
        assert "this session" in hand.screen_text()
        await hand.press("down", "enter")
        await hand.until(lambda: "This is the session that you are in" in hand.screen_text())
        await hand.press("ctrl+d")
        await hand.until(lambda: "a session is writing to it" in hand.screen_text())
        await hand.press(*"river", "ctrl+p")
        await hand.until(lambda: hand.app.player is not None or hand.output.text().startswith("the old river"))


async def test_it_is_used_with_the_mouse(tiny: Path, record: Path, library: Library) -> None:
    async with session(record, tiny, library=library) as hand:
        await opened(hand)
        await lists(hand, "My tale", "the mill stood still", "the old river went by")
        await hand.pilot.click(EntryList, offset=(5, 2))
        assert hand.app.screen.query_one(EntryList).highlighted.title == "the old river went by"  # type: ignore[union-attr]
        await hand.pilot.click(EntryList, offset=(5, 2), times=2)
        await hand.until(lambda: hand.output.text() == "the old river went by\nand by")


async def test_this_session_is_named_and_goes_on_under_its_name(tiny: Path, library: Library) -> None:
    record = library.folder / "now.jsonl"
    async with session(record, tiny, SHORT, library=library, prompt="the old") as hand:
        await hand.run()
        await opened(hand)
        await hand.until(lambda: "this session" in hand.screen_text())
        await hand.press("ctrl+n")
        await hand.until(lambda: len(hand.app.screen_stack) == 3)
        await hand.press("ctrl+u", *"Now", "enter", "escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        await hand.run()
    assert not record.exists()
    assert (library.folder / "named" / "Now.jsonl").read_text().count('{"event": "run"') == 2


async def test_one_is_exported(
    tiny: Path, record: Path, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with session(record, tiny, library=library) as hand:
        await opened(hand)
        await lists(hand, "My tale", "the mill stood still", "the old river went by")
        for to in ("txt", "html"):
            await hand.press("ctrl+s")
            await hand.until(lambda: "Export as" in hand.screen_text())
            await hand.press(*to, "enter")
            await hand.until(lambda to=to: f"my-tale.{to}" in hand.screen_text())
            await hand.press("enter")
            await hand.until(lambda to=to: (tmp_path / f"my-tale.{to}").exists())
            await hand.until(lambda: "Saved: " in hand.screen_text())
    assert (tmp_path / "my-tale.txt").read_text() == f"the sea {HOSTILE} rose\n"
    assert "\x1b" not in (tmp_path / "my-tale.html").read_text()
