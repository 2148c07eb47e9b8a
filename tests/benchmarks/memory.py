"""What a step costs a model with recurrent memory at its 10th token and at its 10,000th, and without the memory."""

from __future__ import annotations

import time
from statistics import median

import torch

from engine.families.transfo_xl.configuration import TransfoXLConfig
from engine.families.transfo_xl.model import TransfoXLLMHeadModel
from engine.runner import RecomputeRunner, Runner
from engine.runner.memory import MemoryRunner
from tests.benchmarks.measure import Bench, Row, interleaved

SUBJECT = "time of a step of a small Transformer-XL"
EARLY, LATE, RECOMPUTED = 10, 10_000, 1_000
STEPS = 16


def run(bench: Bench) -> list[Row]:
    """A model with random weights: what is measured is the cost, not what it says."""
    torch.manual_seed(0)
    config = TransfoXLConfig(
        vocab_size=2000,
        cutoffs=[500],
        d_model=128,
        d_embed=128,
        n_head=4,
        d_head=32,
        d_inner=256,
        n_layer=4,
        mem_len=160,
    )
    model = TransfoXLLMHeadModel(config).eval()
    memory, recompute = MemoryRunner(model), RecomputeRunner(model)
    late = _walked(MemoryRunner(model), LATE)
    early, recomputed = f"memory, at token {EARLY:,}", f"all again, at token {RECOMPUTED:,}"
    far = f"memory, at token {LATE:,}"
    told = interleaved(
        bench.rounds,
        {
            early: lambda: _step_s(_walked(memory, EARLY)),
            far: lambda: _step_s(late),
            recomputed: lambda: _step_s(_walked(recompute, RECOMPUTED)),
        },
    )
    pairs = [(far, early), (recomputed, far)]
    return [told.row(SUBJECT, what, against, "ms", "lower", scale=1000) for what, against in pairs]


def _walked(runner: Runner, tokens: int) -> Runner:
    """The runner after so many tokens; a long text goes in by pieces, as the memory was made for."""
    runner.reset()
    runner.prefill([token % 1999 for token in range(min(tokens, RECOMPUTED))])
    while runner.length < tokens:
        runner.step(torch.tensor([runner.length % 1999]))
    return runner


def _step_s(runner: Runner) -> float:
    """Seconds of one more token, the median of a few."""
    times = []
    for token in range(STEPS):
        start = time.perf_counter()
        runner.step(torch.tensor([token]))
        times.append(time.perf_counter() - start)
    return median(times)
