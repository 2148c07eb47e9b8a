"""Presets in a session: on the digits, in the middle of a run, kept, brought in and given out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.presets import BUILT_IN, NEUTRAL, Shelf
from engine.settings import Settings
from engine.user_files import config_path
from tests.tui.app.driving import LONG, Hand, marks, session
from tui.screens.ask import Ask
from tui.screens.keep_preset import KeepPreset


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def title(hand: Hand) -> str:
    """The settings' title as it stands on the screen."""
    return hand.screen_lines()[1].partition("Settings")[2].strip("─╮ ·")


async def test_a_preset_takes_hold_in_the_middle_of_a_run_and_is_in_the_record(tiny: Path, record: Path) -> None:
    start = LONG.changed(temperature=0.5, top_k=9, stop_strings=("never this",))
    async with session(record, tiny, start, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        assert hand.prompt.has_focus
        await hand.press("alt+9")
        seen = hand.app.session.new_tokens
        await hand.tokens(seen + 4)
        wanted = start.differences(BUILT_IN[9].applied(start))
        await hand.until(lambda: len(marks(hand.output)) == len(wanted))
        changes = hand.lines("change")
        assert {line["name"]: (line["from"], line["to"]) for line in changes} == wanted
        assert len({line["at"] for line in changes}) == 1, "one token is the first to obey all of it"
        assert title(hand) == "preset 9 poet" and hand.prompt.text == "the old"
        assert hand.app.session.settings.stop_strings == ("never this",)
        await hand.press("f3")
        assert title(hand) == ""
        await hand.press("f2")
        assert title(hand) == "preset 9 poet"
        await hand.press("escape")
        await hand.finished()


async def test_a_bare_digit_types_in_the_prompt_and_in_the_panel_and_else_takes_a_preset(
    tiny: Path, record: Path
) -> None:
    async with session(record, tiny) as hand:
        before = hand.app.session.settings
        await hand.press("4")
        assert hand.prompt.text == "4" and hand.app.session.settings == before
        hand.panel.highlight("strategy")
        await hand.press("ctrl+t", "5")
        assert hand.app.session.settings == before, "on a row that takes no number it does nothing"
        hand.panel.highlight("temperature")
        await hand.press("5", "escape")
        assert hand.app.session.settings == before
        hand.output.focus()
        for digit, preset in BUILT_IN.items():
            await hand.press(str(digit))
            assert hand.app.session.settings == preset.applied(before)
            assert title(hand) == f"preset {digit} {preset.name}"
        await hand.press("0")
        assert hand.app.session.settings == BUILT_IN[9].applied(before)


async def test_steps_that_would_be_refused_one_by_one_go_together_and_a_refusal_changes_nothing(
    tiny: Path, record: Path
) -> None:
    async with session(record, tiny, LONG.changed(num_return_sequences=2), prompt="the old") as hand:
        await hand.press("alt+5")
        assert hand.app.session.settings == LONG.changed(num_return_sequences=2) == hand.panel.settings
        note = hand.note("setting")
        assert note is not None and "greedy" in note.text


async def test_neutralize(tiny: Path, record: Path) -> None:
    bent = LONG.changed(temperature=0.5, top_k=9, top_p=0.3, min_p=0.1, repetition_penalty=1.4)
    async with session(record, tiny, bent) as hand:
        await hand.app.run_action("neutralize")
        await hand.settle()
        assert hand.app.session.settings == NEUTRAL.applied(bent)


async def test_one_of_ones_own_is_kept_and_there_in_the_next_session(tiny: Path, record: Path) -> None:
    mine = LONG.changed(temperature=0.33, top_k=7)
    async with session(record, tiny, mine) as hand:
        await hand.app.run_action("keep_preset")
        await hand.until(lambda: isinstance(hand.app.screen, KeepPreset) and isinstance(hand.app.focused, Input))
        await hand.press("enter")
        assert isinstance(hand.app.screen, KeepPreset), "it needs a name"
        await hand.press("down", "down", *"my 1", "enter")
        await hand.until(lambda: len(hand.app.screen_stack) == 1)
        await hand.settle()
        assert title(hand) == "preset 3 my 1"
        await hand.app.run_action("keep_preset")
        await hand.until(lambda: isinstance(hand.app.screen, KeepPreset) and isinstance(hand.app.focused, Input))
        await hand.until(lambda: "3  my 1  (your own)" in hand.screen_text())
        await hand.press("escape")
    kept = Shelf(config_path("presets.toml"))
    kept.load()
    assert kept[3].name == "my 1" and kept[3].differences == {"temperature": 0.33, "top_k": 7, "top_p": 1.0}
    async with session(record, tiny, Settings()) as hand:
        await hand.press("alt+3")
        assert (hand.app.session.settings.temperature, title(hand)) == (0.33, "preset 3 my 1")


async def ask(hand: Hand, action: str, answer: str) -> None:
    await hand.app.run_action(action)
    await hand.until(lambda: isinstance(hand.app.screen, Ask) and isinstance(hand.app.focused, Input))
    hand.app.screen.query_one(Input).value = answer
    await hand.press("enter")
    await hand.until(lambda: not isinstance(hand.app.screen, Ask))
    await hand.settle()


async def test_out_to_a_generation_config_and_in_again(tiny: Path, record: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    async with session(record, tiny, LONG.changed(temperature=0.25, min_p=0.2)) as hand:
        await ask(hand, "export_preset", str(path))
        assert json.loads(path.read_text()) == {"do_sample": True, "temperature": 0.25, "top_k": 0, "min_p": 0.2}
        path.write_text(path.read_text().replace("{", '{"odd\\u001b[2J": 1,', 1))
        before = path.read_text()
        await ask(hand, "export_preset", str(path))
        assert path.read_text() == before and "already" in hand.notes[-1].text
        await ask(hand, "import_preset", str(path))
        assert isinstance(hand.app.screen, KeepPreset)
        assert any("left out" in note.text for note in hand.notes) and "\x1b" not in hand.screen_text()
        await hand.press("enter")
        await hand.settle()
        assert hand.app.shelf[1].name == "out"
        assert title(hand) == "preset 1 out"
        await ask(hand, "import_preset", str(tmp_path / "absent"))
        assert "no such file" in hand.notes[-1].text and len(hand.app.screen_stack) == 1


async def test_a_broken_file_is_a_note_and_is_not_written_over(tiny: Path, record: Path) -> None:
    path = config_path("presets.toml")
    path.parent.mkdir(parents=True)
    path.write_text("[3\n")
    async with session(record, tiny) as hand:
        note = hand.note("presets")
        assert note is not None and "line 1" in note.text
        await hand.app.run_action("keep_preset")
        await hand.until(lambda: isinstance(hand.app.screen, KeepPreset) and isinstance(hand.app.focused, Input))
        await hand.press("x", "enter")
        await hand.settle()
        assert "mend" in hand.notes[-1].text
    assert path.read_text() == "[3\n"


async def test_keeping_where_nothing_can_be_written_is_a_note(tiny: Path, record: Path, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the folder's place")
    async with session(record, tiny) as hand:
        await hand.app.run_action("keep_preset")
        await hand.until(lambda: isinstance(hand.app.screen, KeepPreset) and isinstance(hand.app.focused, Input))
        await hand.press("x", "enter")
        await hand.settle()
        assert any(note.code == "presets" and note.level == "error" for note in hand.notes)
        assert hand.app.is_running and title(hand) == "preset 1 neutral"
