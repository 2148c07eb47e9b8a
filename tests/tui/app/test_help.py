"""Help at hand: on the pane that has the focus, made from what is declared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.settings import PARAMETERS, Settings
from tests.tui.app.driving import Hand, session
from tui.action import shown, types
from tui.actions import ACTIONS
from tui.config import Config
from tui.help.keys import own_keys
from tui.help.pages import PAGES, Looked, Page, sections
from tui.screens.help import HelpScreen
from tui.widgets.output import OutputView
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel.row_list import RowList


def page(title: str) -> Page:
    return next(page for page in PAGES if page.title == title)


def said(screen: HelpScreen) -> str:
    """All that is shown of the page, row by row."""
    rows = (row for section in screen.sections() for row in section.rows)
    return "\n".join(f"{row.left} {row.right}" for row in rows)


def help_screen(hand: Hand) -> HelpScreen:
    assert isinstance(hand.app.screen, HelpScreen), hand.app.screen
    return hand.app.screen


async def open_help(hand: Hand, key: str = "alt+h") -> HelpScreen:
    await hand.press(key)
    await hand.until(lambda: isinstance(hand.app.screen, HelpScreen))
    await hand.settle()
    return help_screen(hand)


async def test_it_opens_while_one_types_and_types_nothing(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt="the old ") as hand:
        screen = await open_help(hand)
        assert screen.page.title == "Prompt" and "What the model writes on from" in hand.screen_text()
        await hand.press("escape")
        assert hand.prompt.text == "the old " and hand.app.focused is hand.prompt


@pytest.mark.parametrize("closing", ["escape", "question_mark", "q", "alt+h"])
async def test_on_the_output_it_lists_every_action_and_closes(record: Path, tiny: Path, closing: str) -> None:
    async with session(record, tiny, size=(120, 60)) as hand:
        hand.output.focus()
        screen = await open_help(hand, "question_mark")
        assert screen.page.title == "Output"
        text = said(screen)
        for entry in ACTIONS.entries():
            assert all(re.search(rf"(^|\s){re.escape(shown(key))}\s", text, re.MULTILINE) for key in entry.keys), entry
            assert entry.help in text
        await hand.press(closing)
        assert len(hand.app.screen_stack) == 1 and hand.app.focused is hand.output and hand.app.is_running


async def test_it_opens_on_the_pane_with_the_focus_and_leaves_an_edit_open(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt="the old ") as hand:
        await hand.run()
        await hand.press("alt+e")
        await hand.until(lambda: hand.app.editing)
        assert (await open_help(hand)).page.title == "Editor"
        await hand.press("escape")
        assert hand.app.editing, "escape closed the help and not the edit"
        await hand.press("escape", "ctrl+f")
        await hand.settle()
        assert (await open_help(hand)).page.title == "Find"


async def test_on_a_setting_it_begins_with_all_about_that(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt="the old ") as hand:
        hand.panel.focus()
        hand.panel.highlight("top_k")
        await hand.change(top_k=3)
        await hand.until(lambda: hand.panel.effect, "what it does to the next token")
        effect = hand.panel.effect
        screen = await open_help(hand, "question_mark")
        told = screen.sections()[1]
        facts = dict(told.rows)
        parameter = PARAMETERS["top_k"]
        assert told.heading == parameter.title and facts[""] == parameter.help and facts["just now"] == effect
        assert facts["is"] == "3" and facts["default"] == parameter.format(parameter.default)
        assert facts["takes"].startswith(parameter.bounds) and "--k" in facts["flags"]
        assert "●" in facts["acts"] and all(strategy in facts["under"] for strategy in parameter.under)
        assert parameter.title in hand.screen_text()


async def test_arrows_turn_to_every_page_and_round(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        screen = await open_help(hand)
        seen = []
        for wanted in (*PAGES[1:], PAGES[0]):
            await hand.press("right")
            await hand.until(lambda wanted=wanted: screen.page is wanted)
            await hand.settle()
            seen.append(hand.screen_text())
        for wanted, text in zip((*PAGES[1:], PAGES[0]), seen, strict=True):
            assert (wanted.pane.HELP or "")[:30] in text
        await hand.press("left")
        await hand.until(lambda: screen.page is PAGES[-1])


async def test_a_search_narrows_the_page_and_escape_ends_it_first(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        hand.panel.focus()
        screen = await open_help(hand)
        await hand.press("slash", *"min-p")
        await hand.until(lambda: PARAMETERS["min_p"].help in said(screen))
        assert PARAMETERS["length_penalty"].help not in said(screen)
        await hand.press(*"?q")
        await hand.until(lambda: not screen.sections())
        await hand.settle()
        assert "Nothing on this page" in hand.screen_text()
        await hand.press("escape")
        await hand.until(lambda: PARAMETERS["length_penalty"].help in said(screen))
        assert hand.app.screen is screen
        await hand.press("escape")
        assert len(hand.app.screen_stack) == 1


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (40, 10)])
async def test_it_fits_a_small_screen(record: Path, tiny: Path, size: tuple[int, int]) -> None:
    async with session(record, tiny, size=size) as hand:
        await open_help(hand)
        lines = hand.screen_lines()
        assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)
        before = hand.screen_text()
        await hand.press("pagedown")
        await hand.until(lambda: hand.screen_text() != before)


async def test_keys_of_the_config_are_those_it_tells_and_closes_with(record: Path, tiny: Path) -> None:
    async with session(record, tiny, config=Config(keys={"help": ["alt+0"]})) as hand:
        screen = await open_help(hand, "alt+0")
        assert "alt+0 help:" in said(screen)
        await hand.press("alt+0")
        assert len(hand.app.screen_stack) == 1


def test_every_page_says_what_its_pane_is_for_and_every_setting_is_on_one() -> None:
    assert all(page.pane.HELP for page in PAGES)
    headings = [section.heading for section in sections(page("Settings"), ACTIONS, Looked(Settings(), "top_p"))]
    assert headings.count("top-p") == 1 and {parameter.title for parameter in PARAMETERS.values()} <= set(headings)


def test_where_one_types_no_key_is_told_that_types() -> None:
    prompt = sections(page("Prompt"), ACTIONS, Looked(Settings()))
    rows = [row for section in prompt for row in section.rows]
    told = [key for row in rows for key in row.left.split()]
    assert "alt+e" in told and "alt+1-9" in told and "?" not in told and "e" not in told and "1-9" not in told
    assert not any(types(key) for key in told if len(key) == 1 and key.isascii())


def test_own_keys_are_what_the_classes_bind_and_nothing_hides() -> None:
    prompt = dict((row.right, row.left) for row in own_keys([PromptPane], {"ctrl+e"}))
    assert prompt["Select all"].startswith("alt+a") or "alt+a" in prompt["Select all"]
    assert "^E" not in prompt["Cursor line end"] and "END" in prompt["Cursor line end"]
    rows = [row.right for row in own_keys([RowList], ())]
    assert "Setting above" in rows and "Scroll Up" not in rows, "what a class does not inherit it does not tell"
    assert "Scroll Up" in [row.right for row in own_keys([OutputView], ())]
