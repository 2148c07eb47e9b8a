"""What it costs to see what was about to be said: the lens followed once a frame, every step of a run looked into, and
every token measured, each against the same run without.
"""

from __future__ import annotations

import asyncio
from statistics import median

from engine.controls import Controls
from tests.benchmarks.decoding import PROMPT, engine_step_s, settings_for
from tests.benchmarks.measure import Bench, Row, interleaved
from tests.benchmarks.stage import play, session
from tests.benchmarks.throughput import worker_tokens_per_s

SUBJECT = "the lens and the colours (sampled)"
HIDDEN, FOLLOWED = "worker thread, lens hidden", "worker thread, lens followed once a frame"
CLOSED, OPEN = "whole session, lens hidden", "whole session, lens open"
PLAIN, LOOKED, MEASURED = "engine step", "engine step, each looked into", "engine step, measured"


def run(bench: Bench) -> list[Row]:
    model = bench.model
    settings = settings_for(model, bench.tokens)

    async def by_session(*, lens: bool) -> float:
        async with session(model, settings) as (app, pilot, transcript):
            app.main.lens.display = lens
            await pilot.pause(0.1)
            if app.main.lens_shown != lens:
                raise RuntimeError("the lens has no room on the screen that this is measured on")
            model.runner.reset()
            await play(app, pilot, settings.max_new_tokens)
            return settings.max_new_tokens / transcript.seconds

    told = interleaved(
        bench.rounds,
        {
            HIDDEN: lambda: worker_tokens_per_s(model, settings),
            FOLLOWED: lambda: worker_tokens_per_s(model, settings, _look),
            CLOSED: lambda: asyncio.run(by_session(lens=False)),
            OPEN: lambda: asyncio.run(by_session(lens=True)),
            PLAIN: lambda: median(engine_step_s(model, PROMPT, settings)),
            LOOKED: lambda: median(engine_step_s(model, PROMPT, settings, _look)),
            MEASURED: lambda: median(engine_step_s(model, PROMPT, settings, _measure)),
        },
    )
    rows = [
        told.row(SUBJECT, what, against, "tokens/s", "higher") for what, against in ((FOLLOWED, HIDDEN), (OPEN, CLOSED))
    ]
    return rows + [told.row(SUBJECT, what, PLAIN, "ms", "lower", scale=1000) for what in (LOOKED, MEASURED)]


def _look(controls: Controls) -> None:
    if controls.looking is None:
        controls.looking = 0


def _measure(controls: Controls) -> None:
    controls.measuring = True
