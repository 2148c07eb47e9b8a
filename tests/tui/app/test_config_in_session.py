"""What a config does to a session: keys, looks, pace, notes; and the welcome of a first start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.color import ColorSystem
from textual.widgets import Input

from tests.tui.app.driving import LONG, SHORT, session
from tui.config import Config, read
from tui.theme import THEMES
from tui.widgets.welcome import Welcome, is_first_start


async def test_keys_of_ones_own_act_and_are_told_everywhere(tiny: Path, record: Path) -> None:
    keys = {
        "run": ("alt+0",),
        "quit": ("ctrl+x",),
        "palette": ("ctrl+k",),
        "temperature.up": ("ctrl+w",),
        "help": ("h",),
    }
    async with session(record, tiny, SHORT, config=Config(keys=keys), prompt="the old", size=(120, 40)) as hand:
        screen = hand.screen_text()
        for told in (
            "alt+0 run",
            "^X quit",
            "^K palette",
            "F2/^W temperature",
            "h help",
            "press alt+0",
            "^W warms it up",
        ):
            assert told in screen, told
        assert not re.search(r"\^J|\^Q|\^G|F3", screen)
        await hand.press("ctrl+j", "ctrl+g", "ctrl+q", "f3", "ctrl+w")
        assert hand.app.is_running and not hand.running and len(hand.app.screen_stack) == 1
        assert hand.app.session.settings.temperature == SHORT.temperature + 0.05
        await hand.press("alt+0")
        await hand.until(lambda: hand.lines("finish"))
        await hand.press("ctrl+k")
        await hand.until(lambda: len(hand.app.screen_stack) == 2)
        await hand.press("escape", "ctrl+x")
        await hand.until(lambda: not hand.app.is_running)


async def test_what_could_not_be_taken_is_in_the_notes_and_the_session_works(tiny: Path, record: Path) -> None:
    config = Config(
        keys={"run": ("f1",), "\x1b[2J[/]": ("alt+0",)},
        lines={"run": "config.toml line 3"},
        complaints=tuple(f"config.toml line 1: \x1b]0;owned\x07[@click=app.quit]{number}" for number in range(9)),
    )
    async with session(record, tiny, SHORT, config=config, prompt="the old") as hand:
        assert [note.level for note in hand.notes] == ["warning"] * 7
        assert "5 more" in hand.notes[-1].text
        assert "\x1b" not in hand.screen_text()
        await hand.run()
        assert len(hand.lines("token")) == 12
    only = Config(keys={"run": ("f1",)}, lines={"run": "config.toml line 3"})
    async with session(record, tiny, SHORT, config=only) as hand:
        assert [note.text[:30] for note in hand.notes] == ["config.toml line 3: keys.run: "]
        assert "^J run" in hand.screen_text()


async def test_broken_toml_starts_a_session_that_says_so(tiny: Path, record: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("theme = \n")
    async with session(record, tiny, config=read(path)) as hand:
        note = hand.note("config")
        assert note is not None and "line 1" in note.text and hand.app.theme == "dark"


@pytest.mark.parametrize("name", THEMES)
async def test_every_theme_is_worn_and_the_next_comes_by_command(tiny: Path, record: Path, name: str) -> None:
    async with session(record, tiny, config=Config(theme=name), prompt="the old") as hand:
        assert hand.app.theme == name
        assert hand.app.screen.styles.background == hand.app.screen.styles.background.parse(
            THEMES[name].background or ""
        )
        for _ in THEMES:
            await hand.app.run_action("next_theme")
            await hand.settle()
        assert hand.app.theme == name


async def test_without_colour_the_screen_says_the_same(
    tiny: Path, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shown(record: Path) -> tuple[str, set[bool]]:
        async with session(record, tiny, SHORT.changed(max_time=500), prompt="the old") as hand:
            await hand.run()
            await hand.settle()
            text = re.sub(r"■ ready.*", "", hand.screen_text())
            strips = hand.app.screen._compositor.render_strips()
            colours = [
                colour.triplet
                for strip in strips
                for segment in strip.apply_filter(hand.app._filters[-1], hand.app.background_colors[1])
                if segment.style
                for colour in (segment.style.color, segment.style.bgcolor)
                if colour and colour.triplet
            ]
            return text, {len(set(triplet)) == 1 for triplet in colours}

    coloured, _ = await shown(record)
    monkeypatch.setenv("NO_COLOR", "1")
    plain, grey = await shown(tmp_path / "plain.jsonl")
    assert "┏━ Prompt" in plain and "┏━" not in coloured, "the focus is told by more than its colour"
    frames = str.maketrans("┏┓┗┛━┃", "╭╮╰╯─│")
    assert plain.translate(frames) == coloured.translate(frames) and grey == {True}


@pytest.mark.parametrize("system", [ColorSystem.EIGHT_BIT, ColorSystem.STANDARD])
@pytest.mark.parametrize("name", THEMES)
async def test_with_few_colours_no_text_has_that_of_what_it_stands_on(
    tiny: Path, record: Path, name: str, system: ColorSystem
) -> None:
    async with session(record, tiny, SHORT, config=Config(theme=name, keys={"run": ("f1",)}), prompt="the old") as hand:
        await hand.run()
        await hand.press("ctrl+t", "alt+4")
        await hand.settle()
        told = [
            (segment.text.strip(), style.color.downgrade(system), style.bgcolor.downgrade(system))
            for strip in hand.app.screen._compositor.render_strips()
            for segment in strip
            if (style := segment.style) and style.color and style.bgcolor and re.search(r"\w", segment.text)
        ]
        assert len(told) > 50
        assert [text for text, colour, below in told if colour == below] == []


async def test_with_reduced_motion_no_cursor_blinks(tiny: Path, record: Path) -> None:
    async with session(record, tiny, config=Config(reduced_motion=True)) as hand:
        assert hand.app.animation_level == "none" and not hand.prompt.cursor_blink
        await hand.press("ctrl+g")
        await hand.until(lambda: isinstance(hand.app.focused, Input))
        field = hand.app.focused
        assert isinstance(field, Input)
        await hand.until(lambda: not field.cursor_blink)
    async with session(record, tiny) as hand:
        assert hand.prompt.cursor_blink and hand.app.animation_level == "full"


async def test_at_reading_pace_the_model_rests_and_hears_every_key_at_once(tiny: Path, record: Path) -> None:
    """A tenth of a word a minute: only a key can end the rest."""
    slow = Config(reading_speed=0.1)
    async with session(record, tiny, LONG, config=slow, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(1)
        await hand.press("ctrl+n")
        await hand.until(lambda: hand.stage == "paused", "a step ends the rest, and the run is held")
        await hand.press("f3", "ctrl+n")
        await hand.until(lambda: hand.lines("change"), "the next token obeys")
        seen = hand.lines("change")[0]["at"]
        assert seen == hand.app.session.new_tokens - 1 or seen == hand.app.session.new_tokens
        await hand.press("escape")
        await hand.finished()
        assert hand.lines("finish")[0]["sequences"][0]["finish_reason"] == "cancelled"
        assert len(hand.lines("token")) < 8, "and nothing was written ahead of what is shown"
        assert hand.output.text(prompt=False) == hand.lines("finish")[0]["sequences"][0]["text"]


async def test_the_pace_is_switched_in_the_session(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG.changed(max_new_tokens=60), prompt="the old") as hand:
        hand.worker.pace.words_a_minute = 0.1
        await hand.press("ctrl+j")
        await hand.tokens(1)
        await hand.settle()
        assert hand.running and hand.app.session.new_tokens < 60
        await hand.app.run_action("pace")
        await hand.finished()
        assert hand.app.session.new_tokens == 60
        await hand.app.run_action("pace")
        assert hand.worker.pace.words_a_minute == 250


async def test_the_welcome_goes_with_the_first_key_which_does_what_it_does(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, welcome=True, prompt="the old") as hand:
        await hand.settle()
        screen = hand.screen_text()
        assert "Welcome" in screen and "press ^J" in screen
        assert hand.pane(Welcome).content_size.height == 5
        await hand.press("x")
        assert hand.prompt.text.startswith("x") and not hand.app.screen.query(Welcome)
    async with session(record, tiny, SHORT, welcome=True, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.until(lambda: hand.lines("finish"))
        assert not hand.app.screen.query(Welcome)


async def test_a_key_before_the_welcome_and_a_click_on_it(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, welcome=True, wait=False) as hand:
        await hand.press("x")
        await hand.loaded()
        assert hand.prompt.text == "x" and not hand.app.screen.query(Welcome)
    async with session(record, tiny, SHORT, welcome=True) as hand:
        await hand.settle()
        await hand.pilot.click(Welcome)
        await hand.until(lambda: not hand.app.screen.query(Welcome))
        await hand.press("x")
        assert hand.prompt.text == "x"


@pytest.mark.parametrize("size", [(60, 16), (40, 12), (200, 60)])
async def test_the_welcome_fits(tiny: Path, record: Path, size: tuple[int, int]) -> None:
    async with session(record, tiny, SHORT, welcome=True, size=size) as hand:
        await hand.settle()
        assert hand.app.screen.region.contains_region(hand.pane(Welcome).region)
        assert "To leave" in hand.screen_text()


def test_one_is_welcomed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert (is_first_start(), is_first_start()) == (True, False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert not is_first_start(), "what cannot be remembered is not said again and again"
