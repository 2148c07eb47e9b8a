"""Holding a run, letting it go, one token at a time, and ending it."""

from __future__ import annotations

from pathlib import Path

from tests.tui.app.conftest import Gate
from tests.tui.app.driving import LONG, SHORT, Hand, session


async def hold(hand: Hand) -> int:
    """Pause, and give the number of tokens that have come."""
    await hand.press("ctrl+p")
    await hand.until(lambda: hand.stage == "paused")
    return len(hand.lines("token"))


async def test_no_token_comes_while_held_and_they_go_on_afterwards(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(4)
        held = await hold(hand)
        await hand.settle()
        assert len(hand.lines("token")) == held == hand.app.session.new_tokens
        assert "⏸ paused" in hand.screen_text()
        await hand.press("ctrl+p")
        assert hand.stage == "decoding"
        await hand.tokens(held + 4)
        held = await hold(hand)
        await hand.press("ctrl+o")
        await hand.tokens(held + 4)
        assert len(hand.lines("pause")) == 2
        await hand.press("escape")
        await hand.finished()


async def test_a_held_run_writes_what_an_unheld_one_writes(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        text = hand.output.text()
        await hand.press("ctrl+j", "ctrl+p")
        await hand.until(lambda: hand.stage in ("paused", "ready"))
        while hand.running:
            await hand.press("ctrl+n")
        await hand.finished()
        assert hand.output.text() == text


async def test_a_step_after_the_end_adds_nothing_and_says_how_to_go_on(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        text = hand.output.text()
        await hand.press("ctrl+n")
        await hand.until(lambda: "come to its end: ^O" in hand.screen_text())
        await hand.settle()
        assert len(hand.lines("token")) == 12 and hand.output.text() == text and not hand.running


async def test_a_step_after_a_stop_goes_on_by_one_token(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.press("escape")
        await hand.finished()
        text, count = hand.output.text().removesuffix("\N{REPLACEMENT CHARACTER}"), len(hand.lines("token"))
        await hand.press("ctrl+n")
        await hand.until(lambda: hand.stage == "paused")
        await hand.settle()
        assert len(hand.lines("token")) == count + 1 and hand.output.text().startswith(text)
        await hand.press("escape")
        await hand.finished()


async def test_each_step_gives_exactly_one_token(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(2)
        held = await hold(hand)
        for number in range(1, 5):
            await hand.press("ctrl+n")
            await hand.tokens(held + number)
            await hand.settle()
            assert len(hand.lines("token")) == held + number == hand.app.session.new_tokens
            assert hand.stage == "paused"
        await hand.press("ctrl+n", "ctrl+n", "ctrl+n")
        await hand.tokens(held + 7)
        await hand.settle()
        assert len(hand.lines("token")) == held + 7
        await hand.press("escape")
        await hand.finished()


async def test_a_step_where_nothing_runs_begins_a_run_with_one_token(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+n")
        await hand.until(lambda: hand.stage == "paused")
        await hand.settle()
        assert len(hand.lines("token")) == 1 and hand.running
        await hand.press("escape")
        await hand.finished()


async def test_stop_ends_the_run_and_frees_the_session(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.press("escape")
        await hand.finished()
        [end] = hand.lines("finish")[0]["sequences"]
        assert end["finish_reason"] == "cancelled" and end["text"] == hand.output.text(prompt=False)
        assert "stopped" in hand.screen_text() and hand.stage == "ready"
        count = len(hand.lines("token"))
        await hand.settle()
        assert len(hand.lines("token")) == count, "the computation has truly ended"
        await hand.change(max_new_tokens=5)
        await hand.run()
        assert [line["event"] for line in hand.runs()[1]].count("token") == 5


async def test_stop_ends_a_held_run(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(2)
        held = await hold(hand)
        await hand.press("escape")
        await hand.finished()
        assert len(hand.lines("token")) == held
        assert hand.lines("finish")[0]["sequences"][0]["finish_reason"] == "cancelled"


async def test_keys_of_a_run_do_no_harm_where_none_is(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.press("escape", "ctrl+p", "ctrl+o", "ctrl+l")
        await hand.settle()
        assert not hand.running and not record.exists()
        await hand.run()
        assert len(hand.lines("token")) == 12, "a pause from before the run does not hold it"


async def test_a_run_can_be_held_before_its_first_token(tiny: Path, record: Path, gate: Gate) -> None:
    async with session(record, tiny, SHORT, prompt="the old", wait=False) as hand:
        await hand.press("ctrl+j", "ctrl+p")
        gate.open.set()
        await hand.until(lambda: hand.stage == "paused")
        assert not hand.lines("token")
        await hand.press("ctrl+n")
        await hand.tokens(1)
        await hand.settle()
        assert len(hand.lines("token")) == 1 and hand.stage == "paused"
        await hand.press("ctrl+p")
        await hand.finished()
        assert len(hand.lines("token")) == 12
