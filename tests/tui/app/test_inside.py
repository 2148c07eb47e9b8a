"""How it works inside: the last run's times and cache, and both loops on demand."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from engine.events import CacheShape, Finished, Prefilled, Timing
from engine.runner.cached import CachedRunner
from engine.twice import Twice
from tests.tui.app.driving import SHORT, Hand, session
from tui.insight import Insight
from tui.screens.inside import InsideScreen, verdict

PROMPT = "the old river"


async def opened(hand: Hand) -> InsideScreen:
    await hand.press("alt+i")
    await hand.until(lambda: isinstance(hand.app.screen, InsideScreen))
    screen = hand.app.screen
    assert isinstance(screen, InsideScreen)
    return screen


async def test_prefill_decoding_and_the_cache_of_the_last_run(record: Path, tiny: Path) -> None:
    async with session(record, tiny, SHORT, prompt=PROMPT) as hand:
        await opened(hand)
        await hand.until(lambda: "No run has begun yet" in hand.screen_text())
        await hand.press("escape")
        await hand.run()
        await opened(hand)
        await hand.until(lambda: "12 tokens in" in hand.screen_text())
        cache = hand.app.insight.cache
        assert cache is not None
        shape = f"{cache.layers} layers x {cache.heads} heads x {cache.tokens:,} tokens x {cache.width} wide"
        assert shape in hand.screen_text() and "remembered" in hand.screen_text()
        assert cache.bytes == 2 * 4 * cache.layers * cache.heads * cache.tokens * cache.width


async def test_both_loops_are_run_on_demand(record: Path, tiny: Path) -> None:
    async with session(record, tiny, SHORT, prompt=PROMPT, size=(60, 16)) as hand:
        await opened(hand)
        await hand.press("enter")
        await hand.until(lambda: "✓ The same 12 tokens" in hand.screen_text())
        assert not hand.lines("run"), "it is no run of the session"
        await hand.press("escape")
        hand.app.session.change("strategy", "dola")
        await opened(hand)
        await hand.press("enter")
        await hand.until(lambda: "is not set beside dola" in hand.screen_text())


async def test_the_comparison_can_be_ended(record: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = CachedRunner.step

    def slow(self: CachedRunner, ids: Any) -> Any:
        time.sleep(0.05)
        return step(self, ids)

    monkeypatch.setattr(CachedRunner, "step", slow)
    async with session(record, tiny, SHORT.changed(max_new_tokens=200), prompt=PROMPT) as hand:
        screen = await opened(hand)
        await hand.press("enter")
        await hand.until(lambda: "the loop here: " in hand.screen_text())
        await hand.press("escape")
        assert hand.app.screen is screen and "Ended." in hand.screen_text()
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        hand.app.session.change("max_new_tokens", 3)
        await hand.press("ctrl+j")
        await hand.until(lambda: hand.lines("finish"), "the worker is free again")


def test_what_is_said_of_other_memories() -> None:
    insight = Insight()
    insight.hear(Prefilled(20, 5, 0.5, None))
    assert "sees the whole text again" in "\n".join(insight.lines(None, "float32"))
    assert "20 tokens: 5 remembered, 15 computed" in "\n".join(insight.lines(None, "float32"))
    insight.hear(Prefilled(20, 0, 0.5, CacheShape(3, 1, 1, 16, 32, 3 * 16 * 32 * 4)))
    insight.hear(Finished((), Timing(0.5, 2.0, 10)))
    told = "\n".join(insight.lines(None, "float32"))
    assert "Memory: the hidden states" in told and "10 tokens in 2.00 s, 5.0 a second" in told
    assert "✗ Token 1 differs: by generate() id 2, here none" in verdict(Twice((1, 2), (1,), 1.0, 1.0))
