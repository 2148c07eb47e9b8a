"""Multinomial sampling and greedy search: the next token is drawn, or is the likeliest, one step at a time.

Greedy is the same loop with the draw replaced by the top-1 (Holtzman et al. 2020 compare the two).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import torch

from engine.events import Event, Prefilled
from engine.strategies.run import Run


def sample(run: Run) -> Iterator[Event]:
    """All sequences go on in step, as rows of one batch; a row that has ended leaves the batch."""
    runner = run.runner
    alive = list(run.sequences)
    chosen: torch.Tensor | None = None
    for index in count():
        yield from run.begin_step(index)
        if run.stopped:
            return
        if index >= run.room():
            for growing in alive:
                growing.reason = "length"
            return
        if chosen is None:
            logits, reused = run.prefill(len(alive))
            yield Prefilled(runner.seen, reused, run.prefill_s, runner.cache_shape())
        else:
            with run.timed():
                logits = runner.step(chosen)
        yield from run.forgotten(index, alive)
        with run.timed():
            scores = run.sampler.process(runner.ids, logits)
            chosen = run.sampler.choose(scores, [growing.number for growing in alive])
            logprobs = torch.log_softmax(scores, dim=-1)
            picked = logprobs.gather(-1, chosen[:, None]).squeeze(1).tolist()
            others = run.alternatives(logprobs, logits)
            told = [
                run.append(growing, token_id, logprob, alternatives)
                for growing, token_id, logprob, alternatives in zip(alive, chosen.tolist(), picked, others, strict=True)
            ]
        yield from told
        rows = [row for row, growing in enumerate(alive) if growing.reason is None]
        if not rows:
            return
        if len(rows) < len(alive):
            runner.fork(rows)
            alive = [alive[row] for row in rows]
            chosen = chosen[rows]
