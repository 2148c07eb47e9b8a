"""Finding in the prompt and in the output, while the text grows too."""

from __future__ import annotations

from pathlib import Path

from rich.style import Style

from tests.tui.app.driving import LONG, Hand, session
from tui.widgets.find_bar import FindBar
from tui.widgets.output.found import Found
from tui.widgets.output.wrapping import Piece

STORY = "The king and the KING.\n" * 40


def bar(hand: Hand) -> FindBar:
    return hand.pane(FindBar)


def emphasised(hand: Hand) -> list[tuple[str, bool]]:
    """What is told from the rest without colours in the output: (text, whether it is the place that is looked at)."""
    output = hand.output
    found = []
    for y in range(output.size.height):
        for text, style, _ in output.render_line(y):
            if isinstance(style, Style) and (style.underline or style.reverse):
                found.append((text, bool(style.reverse)))
    return found


async def written(hand: Hand, text: str, prompt: str = "") -> None:
    hand.output.start(prompt)
    hand.output.add(0, text)
    await hand.settle()


async def test_typing_finds_and_keys_go_on(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        await written(hand, "a king, two Kings\nthe KING")
        assert not bar(hand).display
        await hand.press("ctrl+f", *"kin")
        await hand.until(lambda: bar(hand).told == "1 of 3")
        assert emphasised(hand) == [("kin", True), ("Kin", False), ("KIN", False)]
        assert "find in the output" in hand.screen_text() and "1 of 3" in hand.screen_text()
        await hand.press("enter")
        assert bar(hand).told == "2 of 3"
        await hand.press("down", "down")
        assert bar(hand).told == "1 of 3", "beyond the last is the first"
        await hand.press("up")
        assert bar(hand).told == "3 of 3" and emphasised(hand)[-1] == ("KIN", True)
        await hand.press("shift+enter")
        assert bar(hand).told == "2 of 3"
        await hand.press("x")
        await hand.until(lambda: bar(hand).told == "none")
        assert emphasised(hand) == []
        await hand.press("backspace", "escape")
        assert not bar(hand).display and emphasised(hand) == [] and hand.app.focused is hand.prompt
        await hand.press("ctrl+f", "K")
        await hand.until(lambda: bar(hand).told == "1 of 2")


async def test_a_place_out_of_sight_is_scrolled_to_and_one_in_sight_is_not(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        await written(hand, f"first\n{STORY}last")
        assert hand.output.following
        await hand.press("ctrl+f", *"last")
        await hand.until(lambda: bar(hand).told == "1 of 1")
        assert hand.output.following, "it was in sight"
        await hand.press(*["backspace"] * 4, *"first")
        await hand.until(lambda: emphasised(hand) == [("first", True)])
        assert not hand.output.following and hand.output.scroll_offset.y == 0


async def test_it_works_while_text_comes(record: Path, tiny: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(20)
        await hand.press("ctrl+f", "ctrl+f", "e")
        await hand.until(lambda: bar(hand).told.startswith("1 of "))
        count = len(bar(hand)._starts)
        seen = hand.app.session.new_tokens
        await hand.tokens(seen + 60)
        await hand.until(lambda: len(bar(hand)._starts) > count)
        assert hand.running and hand.output.following
        await hand.press("escape")
        assert hand.running and not bar(hand).display, "escape closed the bar and not the run"
        await hand.press("escape")
        await hand.finished()


async def test_in_the_prompt_the_place_is_selected(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt=f"{STORY}one\ntwo") as hand:
        await written(hand, "the king")
        await hand.press("ctrl+f", *"king")
        await hand.until(lambda: bar(hand).told == "1 of 80")
        assert hand.prompt.selected_text == "king" and bar(hand).pane is hand.prompt
        await hand.press("up")
        assert hand.prompt.selected_text == "KING" and hand.prompt.selection.start[0] == 39
        assert any(
            style.underline and text == "KING"
            for y in range(hand.prompt.size.height)
            for text, style, _ in hand.prompt.render_line(y)
            if style
        )
        await hand.press("ctrl+f")
        assert bar(hand).pane is hand.output and bar(hand).told == "1 of 1"
        await hand.press("ctrl+f", "escape")
        assert hand.app.focused is hand.prompt
        await hand.press("X")
        assert hand.prompt.text.count("king") + hand.prompt.text.count("KING") == 79


async def test_it_is_there_where_only_one_pane_has_room(record: Path, tiny: Path) -> None:
    async with session(record, tiny, size=(70, 24)) as hand:
        await written(hand, "the king")
        await hand.press("ctrl+t", "ctrl+f", *"king")
        await hand.until(lambda: bar(hand).told == "1 of 1")
        assert emphasised(hand) == [("king", True)]
        await hand.press("escape")
        await hand.settle()
        assert hand.app.focused is not None and hand.panel in hand.app.focused.ancestors_with_self


async def test_what_is_looked_for_may_be_hostile(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        await written(hand, "a\nb \x1b[31m [/]")
        await hand.press("ctrl+f")
        for needle in ("[/]", "a␊b", "␛[3"):
            bar(hand)._field.value = needle
            await hand.until(lambda: bar(hand).told == "1 of 1", needle)


async def test_a_hundred_thousand_characters_can_be_searched(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        await written(hand, STORY * 110)
        await hand.press("ctrl+f", *"king")
        await hand.until(lambda: bar(hand).told.endswith("of 8,800"))
        await hand.press("up", "down", "down")
        hand.output.add(0, "king")
        await hand.until(lambda: bar(hand).told.endswith("of 8,801"))


def test_marks_within_and_before_what_is_found_are_counted() -> None:
    pieces = [
        Piece("prompt", "the k"),
        Piece("mark", "┊m┊"),
        Piece("model", "ing"),
        Piece("mark", "┊m┊"),
        Piece("model", " a"),
    ]
    assert Found(pieces, [1, 8], 2, 1).between(0, 99) == ((1, 3, False), (14, 16, True))
    king = Found(pieces, [4], 4, 0)
    assert king.between(0, 99) == ((4, 11, True),) and king.here == 4
    assert king.between(10, 12) == ((4, 11, True),) and king.between(11, 12) == king.between(0, 4) == ()
    assert Found(pieces, [5], 3, None).between(0, 99) == ((8, 11, False),)
