"""What a setting does to the next token, said where the setting is explained."""

from __future__ import annotations

from pathlib import Path

from tests.tui.app.driving import LONG, SHORT, Hand, session


async def look_at(hand: Hand, name: str) -> None:
    hand.panel.focus()
    hand.panel.highlight(name)
    await hand.settle()


async def test_the_highlighted_setting_says_what_it_does_to_the_next_token(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT.changed(top_k=3), prompt="the old", size=(140, 40)) as hand:
        await look_at(hand, "top_k")
        await hand.until(lambda: "3 of 300 tokens left" in hand.screen_text())
        await hand.press("right")
        await hand.until(lambda: "5 of 300 tokens left" in hand.screen_text(), "the effect follows the value")
        await look_at(hand, "max_new_tokens")
        assert "next token:" not in hand.screen_text(), "a length shapes no distribution"


async def test_after_a_run_it_is_about_the_token_that_would_follow(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT.changed(temperature=0.3), prompt="the old", size=(140, 40)) as hand:
        await look_at(hand, "temperature")
        await hand.until(lambda: "next token:" in hand.screen_text())
        [before] = [line for line in hand.screen_lines() if "next token:" in line]
        await hand.run()
        await look_at(hand, "seed")
        await look_at(hand, "temperature")
        await hand.until(lambda: "next token:" in hand.screen_text() and before not in hand.screen_lines())


async def test_a_run_is_never_kept_waiting_by_it(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old", size=(140, 40)) as hand:
        await hand.press("ctrl+j")
        await hand.tokens(2)
        await look_at(hand, "top_p")
        seen = hand.app.session.new_tokens
        await hand.tokens(seen + 3)
        await hand.press("escape", "escape")
        await hand.finished()
