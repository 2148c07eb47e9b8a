"""From a key press to its handler, while the model generates in the worker thread and while nothing does."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from statistics import median
from unittest import mock

from textual.events import Key

from tests.benchmarks.decoding import settings_for
from tests.benchmarks.measure import Bench, Rounds, Row, percentile
from tests.benchmarks.stage import begin, session
from tui.app import TextgenApp

SUBJECT = "key press to handler"
KEYS = ("f3", "f2")  # warmer, then colder again
PAUSE_S = (0.01, 0.04)  # at random, so that presses fall at any moment of a step and of a frame
BUSY, IDLE = "while generating", "idle"


def run(bench: Bench) -> list[Row]:
    return asyncio.run(_run(bench))


async def _run(bench: Bench) -> list[Row]:
    model = bench.model
    positions = model.positions or 512
    longest = min(positions - 32, 400)
    medians, tails = Rounds({BUSY: [], IDLE: []}), Rounds({BUSY: [], IDLE: []})
    async with session(model, settings_for(model, longest)) as (app, pilot, _):
        for _ in range(bench.rounds):
            idle = await _waited(app, bench.presses)
            busy: list[float] = []
            while len(busy) < bench.presses:
                await begin(app, pilot, longest)
                busy += await _waited(app, bench.presses - len(busy), while_running=True)
            app.action_stop()
            while app.session.running:
                await asyncio.sleep(0.02)
            for name, waited in ((IDLE, idle), (BUSY, busy)):
                medians.values[name].append(median(waited))
                tails.values[name].append(percentile(waited, 0.95))
    rows = []
    for told, which in ((medians, "median"), (tails, "p95")):
        named = Rounds({f"{which} {name}": values for name, values in told.values.items()})
        rows.append(named.row(SUBJECT, f"{which} {BUSY}", f"{which} {IDLE}", "ms", "lower", scale=1000))
    return rows


async def _waited(app: TextgenApp, presses: int, *, while_running: bool = False) -> list[float]:
    """Seconds to the handler, for presses that come from a thread of their own, as a terminal's do."""
    pressed: list[float] = []
    reached: list[float] = []
    handle = app.action_nudge

    def handler(name: str, by: int) -> None:
        reached.append(time.perf_counter())
        handle(name, by)

    def press() -> None:
        for number in range(presses):
            time.sleep(random.uniform(*PAUSE_S))
            if while_running and not app.session.running:
                return
            driver = app._driver
            assert driver is not None
            event = Key(KEYS[number % 2], None)
            pressed.append(time.perf_counter())
            driver.send_message(event)

    hand = threading.Thread(target=press, daemon=True)
    with mock.patch.object(app, "action_nudge", handler):
        hand.start()
        while hand.is_alive() or len(reached) < len(pressed):
            await asyncio.sleep(0.02)
    return [after - before for before, after in zip(pressed, reached, strict=True)]
