"""What a token costs after little text and after much, and what it costs to tell its alternatives."""

from __future__ import annotations

from statistics import median

from tests.benchmarks.decoding import engine_step_s, library_step_s, prompt_ids, settings_for
from tests.benchmarks.measure import Bench, Row, interleaved

SUBJECT = "time of a token (sampled)"
STEPS = 32
SHORT, LONG = 50, 400
ALTERNATIVES = 20


def run(bench: Bench) -> list[Row]:
    model = bench.model
    # A model with fewer positions is measured at the same proportions.
    room = min(model.positions or LONG + STEPS, LONG + STEPS)
    steps = min(STEPS, room // 4)
    long = room - steps
    short = max(1, long * SHORT // LONG)
    plain, telling = (settings_for(model, steps, alternatives=count) for count in (0, ALTERNATIVES))
    little, much = prompt_ids(model, short), prompt_ids(model, long)

    def engine(length: int) -> str:
        return f"engine.generate() after {length}"

    def library(length: int) -> str:
        return f"model.generate() after {length}"

    with_alternatives = f"with {ALTERNATIVES} alternatives after {short}"
    told = interleaved(
        bench.rounds,
        {
            engine(short): lambda: median(engine_step_s(model, little, plain)),
            engine(long): lambda: median(engine_step_s(model, much, plain)),
            library(short): lambda: median(library_step_s(model, little, plain)),
            library(long): lambda: median(library_step_s(model, much, plain)),
            with_alternatives: lambda: median(engine_step_s(model, little, telling)),
        },
    )
    pairs = [
        (engine(long), engine(short)),
        (library(long), library(short)),
        (engine(short), library(short)),
        (engine(long), library(long)),
        (with_alternatives, engine(short)),
    ]
    return [told.row(SUBJECT, what, against, "ms", "lower", scale=1000) for what, against in pairs]
