"""Ways out for the text: copies, with a file beside them, and saved Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.scripted import scripted
from tests.tui.app.driving import SHORT, Hand, session
from tests.tui.app.test_hostile_text import HOSTILE, obeyed
from tui.screens.save_as import SaveScreen


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "textgen-tui"


async def saving(hand: Hand) -> SaveScreen:
    await hand.press("ctrl+s")
    await hand.until(lambda: isinstance(hand.app.screen, SaveScreen) and hand.app.screen.query("Input"))
    screen = hand.app.screen
    assert isinstance(screen, SaveScreen)
    await hand.settle()
    return screen


async def test_a_copy_is_of_all_or_of_what_was_written_and_lies_in_a_file(record: Path, tiny: Path, data: Path) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        hand.output.focus()
        await hand.press("y", "Y")
        assert not hand.app.clipboard and "nothing to copy" in hand.screen_text()
        await hand.run()
        hand.output.focus()
        for key, prompt in (("y", True), ("Y", False)):
            await hand.press(key)
            text = hand.output.text(prompt=prompt)
            assert hand.app.clipboard == (data / "clipboard.txt").read_text() == text
        assert text and not text.startswith("the old")
        assert "clipboard.txt" in hand.screen_text()
        assert (data / "clipboard.txt").stat().st_mode & 0o777 == 0o600


async def test_a_selection_is_copied_into_the_file_too(record: Path, tiny: Path, data: Path) -> None:
    async with session(record, tiny, prompt="the \ud800old") as hand:
        hand.prompt.select_all()
        await hand.press("ctrl+c")
        assert (data / "clipboard.txt").read_text() == hand.app.clipboard == "the ?old"


async def test_without_a_folder_a_copy_is_the_terminals_alone(record: Path, tiny: Path, data: Path) -> None:
    data.parent.write_text("a file in the folder's place")
    async with session(record, tiny, prompt="the old") as hand:
        hand.prompt.select_all()
        await hand.press("ctrl+c")
        assert hand.app.clipboard == "the old" and "where the terminal allows it" in hand.screen_text()


async def test_all_sequences_are_saved_under_a_name_of_the_prompts_words(record: Path, tiny: Path) -> None:
    settings = SHORT.changed(num_return_sequences=2, temperature=1.4)
    async with session(record, tiny, settings, prompt="The old king, who") as hand:
        await hand.press("ctrl+s")
        assert "nothing to save" in hand.screen_text()
        await hand.run()
        screen = await saving(hand)
        assert screen._field.value == "the-old-king-who.md" and "/here" in hand.screen_text()
        await hand.press("enter")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        text = Path("the-old-king-who.md").read_text()
        facts = yaml.safe_load(text.split("\n---\n")[0])
        assert facts["settings"]["temperature"] == 1.4 and facts["seed"] == 5 and facts["device"] == "cpu"
        assert facts["model"] == str(tiny)
        assert text.count("## ") == 3 and "The old king, who" in text and "Saved: " in hand.screen_text()


async def test_no_file_is_written_over_unasked(record: Path, tiny: Path) -> None:
    Path("the-old.md").write_text("precious")
    Path("mine.md").write_text("precious too")
    async with session(record, tiny, prompt="the old") as hand:
        await hand.run()
        screen = await saving(hand)
        assert screen._field.value == "the-old-2.md"
        screen._field.value = "mine"
        await hand.settle()
        await hand.press("enter")
        await hand.until(lambda: "writes over it" in hand.screen_text())
        screen._field.value = "the-old"
        await hand.settle()
        await hand.press("enter")
        await hand.until(lambda: "writes over it" in hand.screen_text())
        assert Path("mine.md").read_text() == "precious too" and Path("the-old.md").read_text() == "precious"
        await hand.press("enter")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        assert "## Written" in Path("the-old.md").read_text()


async def test_what_cannot_be_saved_is_said_and_another_name_will_do(record: Path, tiny: Path) -> None:
    Path("folder").mkdir()
    Path("file").touch()
    async with session(record, tiny, prompt="the old") as hand:
        await hand.run()
        screen = await saving(hand)
        for name, why in (
            ("", "no file name"),
            ("folder", "a folder"),
            ("file/x", "Not a directory"),
            ("no/x", "No such file"),
            ("x" * 300, "too long"),
            ("␀.md", "no file name"),
            ("~nobody-here/x", "home folder"),
        ):
            screen._field.value = name
            await hand.settle()
            await hand.press("enter")
            await hand.until(lambda why=why: why in hand.screen_text(), why)  # type: ignore[misc]
            assert hand.app.screen is screen and not obeyed(hand)
        screen._field.value = "folder/x.txt"
        await hand.settle()
        await hand.press("enter")
        await hand.until(lambda: Path("folder/x.txt").is_file() and hand.app.screen is hand.app.main)


async def test_hostile_text_is_saved_as_signs(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", HOSTILE)
    async with session(record, model, SHORT.changed(max_new_tokens=-1, eos_token_id=None), prompt="a") as hand:
        await hand.press("ctrl+j")
        await hand.finished()
        await hand.settle()
        await saving(hand)
        assert not obeyed(hand)
        await hand.press("enter")
        await hand.until(lambda: Path("a.md").is_file())
        text = Path("a.md").read_text()
        assert "\x1b" not in text and r"␛\]52;c;QUJD␇\<9B\>31m\<RLO\>gpj.exe" in text
