"""Prompts to start from: chosen, put into the prompt, their blanks filled one after the other."""

from __future__ import annotations

from pathlib import Path

from engine.recipes import RECIPES, blanks
from tests.tui.app.driving import Hand, session
from tui.screens.recipes import RecipesScreen


async def opened(hand: Hand) -> RecipesScreen:
    await hand.press("alt+c")
    await hand.until(lambda: isinstance(hand.app.screen, RecipesScreen) and hand.app.screen.query("Input"))
    screen = hand.app.screen
    assert isinstance(screen, RecipesScreen)
    await hand.until(lambda: screen.query_one("Input").has_focus)
    return screen


async def test_a_recipe_is_found_and_its_blanks_are_filled(record: Path, tiny: Path) -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.name == "News report")
    async with session(record, tiny, prompt="kept for undo") as hand:
        screen = await opened(hand)
        await hand.press(*"rep resid")
        await hand.until(lambda: [shown.name for shown in screen._shown] == ["News report"])
        assert "leaving residents" in " ".join(hand.screen_text().split())
        await hand.press("enter")
        await hand.until(lambda: hand.prompt.text == recipe.text)
        assert hand.prompt.selected_text == "‹PLACE›" and hand.prompt.has_focus
        await hand.press(*"Oslo", "alt+j")
        await hand.until(lambda: hand.prompt.selected_text == "‹Monday›")
        await hand.press("alt+j")
        await hand.until(lambda: hand.prompt.selected_text == "‹Something happened›")
        await hand.press("x")
        assert hand.prompt.text.startswith("Oslo, ‹Monday› – x on ‹Sunday")
        for _ in range(5):
            await hand.press("alt+j")
        await hand.until(lambda: hand.prompt.selected_text == "‹Monday›", "round to the first that is left")
        left = len(blanks(hand.prompt.text))
        await hand.press("ctrl+j")
        await hand.until(lambda: hand.note("blanks"))
        assert str(left) in hand.notes[0].text and "alt+j" in hand.notes[0].text


async def test_it_can_be_given_up_and_taken_back(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt="mine") as hand:
        screen = await opened(hand)
        await hand.press(*"zzz", "enter")
        assert hand.app.screen is screen and "No recipe says that." in hand.screen_text()
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        assert hand.prompt.text == "mine"
        await hand.press("alt+j")
        assert "no blank" in hand.screen_text()
        await opened(hand)
        await hand.press("down", "enter")
        await hand.until(lambda: hand.prompt.text == RECIPES[1].text)
        await hand.press("ctrl+z")
        assert hand.prompt.text == "mine"
