"""What a token costs in the output view, its frame included, after little text and after much."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from textual.app import App, ComposeResult

from tests.benchmarks.driver import SwallowingDriver
from tests.benchmarks.measure import Bench, Row, interleaved
from tui.widgets.output import OutputView

SUBJECT = "CPU time of a token and its frame in the output view"
SHORT, LONG = 1_000, 100_000
SIZE = (48, 16)  # so small that 1 000 characters scroll already: both lengths do the same work
WORDS = "so the tide went out and nobody saw the lamp turn twice "
TOKEN = " lamp"


class _Stage(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield OutputView()

    def on_mount(self) -> None:
        self.drawn = asyncio.Event()

    def post_display_hook(self) -> None:
        if hasattr(self, "drawn"):
            self.drawn.set()


def run(bench: Bench) -> list[Row]:
    lines = (WORDS * 4).rstrip() + ".\n\n"
    shapes = {"in paragraphs": lines, "in one paragraph": WORDS}
    measures = {
        f"{length:,} characters {shape}": partial(_measured, text, length, bench.tokens)
        for shape, text in shapes.items()
        for length in (SHORT, LONG)
    }
    told = interleaved(bench.rounds, measures)
    return [
        told.row(SUBJECT, f"{LONG:,} characters {shape}", f"{SHORT:,} characters {shape}", "ms", "lower", scale=1000)
        for shape in shapes
    ]


def _measured(text: str, length: int, tokens: int) -> float:
    return asyncio.run(_token_s(text, length, tokens))


async def _token_s(text: str, length: int, tokens: int) -> float:
    """CPU seconds of the screen's thread for a token, each drawn in a frame of its own."""
    app = _Stage()
    app.driver_class = SwallowingDriver
    async with app.run_test(headless=False, size=SIZE) as pilot:
        view = app.query_one(OutputView)
        view.start("")
        view.streaming = True
        view.add(0, (text * (length // len(text) + 1))[:length])
        await pilot.pause()
        await _drawn(app, view, 10)
        start = time.thread_time()
        await _drawn(app, view, tokens)
        return (time.thread_time() - start) / tokens


async def _drawn(app: _Stage, view: OutputView, tokens: int) -> None:
    for _ in range(tokens):
        app.drawn.clear()
        view.add(0, TOKEN)
        async with asyncio.timeout(10):
            await app.drawn.wait()
