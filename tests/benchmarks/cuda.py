"""Tokens a second on a GPU, the engine's loop beside the library's, in two precisions. No rows without one."""

from __future__ import annotations

from functools import partial

import torch

from engine.models.load import load
from tests.benchmarks.decoding import engine_tokens_per_s, library_tokens_per_s, prompt_ids, settings_for
from tests.benchmarks.measure import Bench, Row, interleaved

SUBJECT = "tokens a second on CUDA, batch 1"
PRECISIONS = ("float32", "bfloat16")


def run(bench: Bench) -> list[Row]:
    if not torch.cuda.is_available():
        return []
    return [row for dtype in PRECISIONS for row in _rows(bench, dtype)]


def _rows(bench: Bench, dtype: str) -> list[Row]:
    model = load(bench.name, device="cuda", dtype=dtype)
    ids = prompt_ids(model, 16)
    rows = []
    for strategy in ("greedy", "sampled"):
        settings = settings_for(model, bench.tokens, sampled=strategy == "sampled")
        ours, theirs = f"engine.generate() {dtype} {strategy}", f"model.generate() {dtype} {strategy}"
        told = interleaved(
            bench.rounds,
            {
                theirs: partial(library_tokens_per_s, model, ids, settings),
                ours: partial(engine_tokens_per_s, model, ids, settings),
            },
        )
        rows.append(told.row(SUBJECT, ours, theirs, "tokens/s", "higher"))
    return rows
