"""Tokens a second: the library's loop, the engine's, the worker thread's, the whole session's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.controls import Controls
from engine.events import Failed, Finished
from engine.generation import prepared
from engine.models.loaded import LoadedModel
from engine.settings import Settings
from tests.benchmarks.decoding import PROMPT, engine_tokens_per_s, library_tokens_per_s, settings_for
from tests.benchmarks.measure import Bench, Row, interleaved
from tests.benchmarks.stage import TimedTranscript, loading, play, session
from tui.app import FRAME_S
from tui.jobs import LoadJob, ModelFacts, RunEvent, RunJob
from tui.worker import Worker

SUBJECT = "tokens a second, batch 1"
LIBRARY, GREEDY_LIBRARY = "model.generate() sampled", "model.generate() greedy"
OURS = ("engine.generate() sampled", "worker thread sampled", "whole session sampled")
GREEDY = "engine.generate() greedy"


def run(bench: Bench) -> list[Row]:
    model = bench.model
    sampled, greedy = (settings_for(model, bench.tokens, sampled=sampled) for sampled in (True, False))
    ids = prepared(model, PROMPT, sampled).ids
    engine, worker, whole = OURS
    told = interleaved(
        bench.rounds,
        {
            LIBRARY: lambda: library_tokens_per_s(model, ids, sampled),
            engine: lambda: engine_tokens_per_s(model, PROMPT, sampled),
            worker: lambda: worker_tokens_per_s(model, sampled),
            whole: lambda: asyncio.run(_by_session(model, sampled)),
            GREEDY_LIBRARY: lambda: library_tokens_per_s(model, ids, greedy),
            GREEDY: lambda: engine_tokens_per_s(model, PROMPT, greedy),
        },
    )
    pairs = [(GREEDY, GREEDY_LIBRARY), *((name, LIBRARY) for name in OURS), (whole, engine)]
    return [told.row(SUBJECT, what, against, "tokens/s", "higher") for what, against in pairs]


def worker_tokens_per_s(
    model: LoadedModel, settings: Settings, follow: Callable[[Controls], None] | None = None
) -> float:
    """The worker with nobody but a drain at its other end, as often as the screen drains it.

    `follow` is what the screen does to the run's controls once a frame.
    """
    model.runner.reset()
    with TemporaryDirectory() as folder, loading(model):
        transcript = TimedTranscript(Path(folder) / "session.jsonl")
        worker = Worker(transcript)
        worker.start()
        worker.put(LoadJob(None))
        _drained_until(worker, ModelFacts)
        job = RunJob(1, PROMPT, PROMPT, settings)
        worker.put(job)
        _drained_until(worker, Finished, Failed, each_frame=lambda: follow(job.controls) if follow else None)
        worker.close()
    return settings.max_new_tokens / transcript.seconds


def _drained_until(worker: Worker, *awaited: type, each_frame: Callable[[], None] = lambda: None) -> None:
    while True:
        each_frame()
        while worker.outbox:
            item = worker.outbox.popleft()
            if isinstance(item.event if isinstance(item, RunEvent) else item, awaited):
                return
        time.sleep(FRAME_S)


async def _by_session(model: LoadedModel, settings: Settings) -> float:
    async with session(model, settings) as (app, pilot, transcript):
        model.runner.reset()
        await play(app, pilot, settings.max_new_tokens)
        return settings.max_new_tokens / transcript.seconds
