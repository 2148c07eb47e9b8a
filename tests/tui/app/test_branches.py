"""The tree of branches in the app: seen, walked, gone to, named, compared, pruned; and a text typed for a token."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from engine.session.format import problem
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.pieces import Piece
from tui.screens.branches import BranchesScreen
from tui.screens.compare_branches import CompareBranches


async def three(hand: Hand) -> list[str]:
    """Three branches: a run, the same anew, and that with another token typed; what each says."""
    texts = []
    await hand.run()
    texts.append(hand.output.text(prompt=False))
    await hand.press("ctrl+r")
    await hand.until(lambda: len(hand.runs()) == 2 and not hand.running)
    await hand.settle()
    texts.append(hand.output.text(prompt=False))
    hand.output.focus()
    await hand.press(*["left"] * 6, "t")
    await hand.until(lambda: len(hand.app.screen_stack) == 2)
    await hand.press(*"Zz", "enter")
    await hand.settle()
    texts.append(hand.output.text(prompt=False))
    return texts


async def opened(hand: Hand) -> BranchesScreen:
    hand.output.focus()
    await hand.press("b")
    await hand.until(lambda: isinstance(hand.app.screen, BranchesScreen) and hand.app.screen.here)
    await hand.settle()
    assert isinstance(hand.app.screen, BranchesScreen)
    return hand.app.screen


async def closed(hand: Hand) -> None:
    await hand.until(lambda: len(hand.app.screen_stack) == 1)
    await hand.settle()


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_they_are_seen_and_gone_to_and_that_is_undone(tiny: Path, record: Path, size: tuple[int, int]) -> None:
    async with session(record, tiny, size=size, prompt="the old") as hand:
        texts = await three(hand)
        assert "branch 3 of 3" in hand.screen_text()
        screen = await opened(hand)
        shown = hand.screen_text()
        assert "the old" in shown and "3 ●" in shown and "begun by hand" in shown and "enter go" in shown
        assert screen.here is not None and screen.here.text == texts[2]
        await hand.press("up")
        await hand.settle()
        assert screen.here.text == texts[1] and f"seed {hand.app.session.settings.seed}" in hand.screen_text()
        await hand.press("enter")
        await closed(hand)
        assert hand.output.text(prompt=False) == texts[1] and "branch 2 of 3" in hand.screen_text()
        [line] = hand.lines("branch")
        assert (line["what"], line["text"], line["texts"]) == ("taken", texts[1], [texts[1]])
        await hand.press("alt+z")
        await hand.until(lambda: hand.output.text(prompt=False) == texts[2])
        await opened(hand)
        await hand.press("home", "enter")
        await closed(hand)
        assert hand.output.text(prompt=False) == texts[0]
        await opened(hand)
        await hand.pilot.click(OptionList, offset=(8, 2))
        await closed(hand)
        assert hand.output.text(prompt=False) == texts[1], "by a click"
        await hand.press("alt+z")
        await hand.until(lambda: hand.output.text(prompt=False) == texts[0])
        await hand.press("ctrl+o")
        await hand.until(lambda: len(hand.runs()) == 3 and not hand.running)
        assert hand.output.text(prompt=False).startswith(texts[0]), "a run goes on from there"
        await hand.settle()
        assert "branch 1 of 3" in hand.screen_text(), "and it is the same branch, grown"


async def test_one_is_named_and_pruned_and_both_are_undone(tiny: Path, record: Path) -> None:
    async with session(record, tiny, size=(80, 24), prompt="the old") as hand:
        texts = await three(hand)
        screen = await opened(hand)
        await hand.press("x")
        assert "go to another branch first" in hand.screen_text(), "the present stays"
        await hand.press("home", "n")
        await hand.until(lambda: len(hand.app.screen_stack) == 3)
        await hand.press(*"first", "enter")
        await hand.until(lambda: hand.app.screen is screen)
        await hand.settle()
        assert "first" in hand.screen_text() and screen.here is not None and screen.here.text == texts[0]
        await hand.press("u")
        await hand.settle()
        assert not hand.app.session.roads.labels.names
        await hand.press("u")
        assert "nothing to take back" in hand.screen_text()
        await hand.press("U", "escape")
        await closed(hand)
        told = [(line["what"], line["text"], line["name"]) for line in hand.lines("branch")]
        assert told == [("named", texts[0], "first"), ("named", texts[0], ""), ("named", texts[0], "first")]


async def test_what_is_pruned_is_hidden_not_lost(tiny: Path, record: Path) -> None:
    async with session(record, tiny, size=(80, 24), prompt="the old") as hand:
        texts = await three(hand)
        await opened(hand)
        await hand.press("home", "enter")
        await closed(hand)
        screen = await opened(hand)
        await hand.press("down", "x")
        await hand.settle()
        assert [row.text for row in screen._rows if row] == [
            texts[0]
        ] and "Out of sight, not lost" in hand.screen_text()
        await hand.press("h")
        await hand.settle()
        assert "×" in hand.screen_text() and len([row for row in screen._rows if row]) == 3
        await hand.press("h", "u")
        await hand.settle()
        assert len([row for row in screen._rows if row]) == 3
        await hand.press("U", "escape")
        await closed(hand)
        assert "branch" not in (hand.output.border_title or ""), "there is one to be seen"
        assert not any(map(problem, hand.lines("branch"))), "they are as the format says"
        whats = [line["what"] for line in hand.lines("branch")]
        assert whats == ["taken", "hidden", "hidden", "shown", "shown", "hidden", "hidden"]
        await hand.press("alt+z")
        await hand.until(lambda: hand.output.text(prompt=False) == texts[2])
        assert "branch 2 of 2" in hand.screen_text(), "what is written now is always seen"


@pytest.mark.parametrize("size", [(120, 36), (60, 16)])
async def test_two_are_compared_where_they_part(tiny: Path, record: Path, size: tuple[int, int]) -> None:
    async with session(record, tiny, size=size, prompt="the old") as hand:
        texts = await three(hand)
        screen = await opened(hand)
        await hand.press("c")
        assert "Compare with which?" in hand.screen_text()
        await hand.press("up", "c")
        await hand.until(lambda: isinstance(hand.app.screen, CompareBranches))
        await hand.settle()
        same = next(n for n, (one, other) in enumerate(zip(texts[1], texts[2], strict=False)) if one != other)
        shown = hand.screen_text()
        assert f"part after {same} character" in shown and shown.count("┊they part┊") == 2
        assert "Branch 3" in shown and "Branch 2" in shown and "Zz" in shown
        await hand.press("tab", "escape")
        await hand.until(lambda: hand.app.screen is screen)
        await hand.press("space", "up", "c")
        await hand.until(lambda: isinstance(hand.app.screen, CompareBranches))
        await hand.settle()
        assert "Branch 1" in hand.screen_text() and "Branch 2" in hand.screen_text(), "the marked one and this one"


async def test_a_text_is_typed_in_the_place_of_a_token(tiny: Path, record: Path) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        await hand.run()
        whole = hand.output.text(prompt=False)
        hand.output.focus()
        await hand.press("t")
        assert "token cursor" in hand.screen_text(), "where there is no cursor it says how"
        step = hand.app.session.steps(0)[-4]
        await hand.press(*["left"] * 4, "t")
        await hand.until(lambda: len(hand.app.screen_stack) == 2)
        await hand.press("enter")
        await closed(hand)
        assert "Nothing was typed" in hand.screen_text() and hand.output.text(prompt=False) == whole
        await hand.press("t")
        await hand.until(lambda: len(hand.app.screen_stack) == 2)
        await hand.press(*"QQ", "enter")
        await closed(hand)
        typed = hand.output.text(prompt=False)
        assert typed.removesuffix("QQ").rstrip() == whole[: step.start].rstrip() and typed.endswith("QQ")
        assert hand.app.session.pieces(0)[-1] == Piece("human", typed[step.start :])
        assert hand.lines("edit")[0]["text"] == typed and "branch 2 of 2" in hand.screen_text()
        await hand.press("ctrl+o")
        await hand.until(lambda: len(hand.runs()) == 2 and not hand.running)
        assert hand.output.text(prompt=False).startswith(typed)


async def test_a_run_under_way_is_ended_before_a_branch_is_gone_to(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        hand.output.focus()
        await hand.press("b")
        assert "no branches yet" in hand.screen_text()
        texts = await three(hand)
        await hand.change(max_new_tokens=LONG.max_new_tokens)
        await hand.press("ctrl+o")
        await hand.tokens(3)
        await opened(hand)
        await hand.press("home", "enter")
        await hand.finished()
        await hand.until(lambda: hand.output.text(prompt=False) == texts[0])
        await hand.press("alt+z")
        await hand.until(lambda: hand.output.text(prompt=False).startswith(texts[2]))
        assert len(hand.output.text(prompt=False)) > len(texts[2]), "what the run had written is there"
