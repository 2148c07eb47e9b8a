"""Multinomial sampling and greedy search: the next token is drawn, or is the likeliest, one step at a time.

Greedy is the same loop with the draw replaced by the top-1 (Holtzman et al. 2020 compare the two).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

import torch

from engine.events import Event, Prefilled
from engine.strategies.choosing import chosen_tokens
from engine.strategies.run import Growing, Run

Reading = Callable[[torch.Tensor, list[Growing]], tuple[torch.Tensor, Iterable[Event]]]


def sample(run: Run) -> Iterator[Event]:
    """Greedy or drawn, as the strategy says."""
    return in_step(run, lambda logits, _: (logits, ()))


def in_step(run: Run, read: Reading) -> Iterator[Event]:
    """All sequences go on in step, as rows of one batch; a row that has ended leaves the batch.

    `read` makes of a pass's logits (rows, vocabulary) those that are processed, and says what is to be told of it.
    """
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
            taken, beside = read(logits, alive)
            scores = run.sampler.process(runner.ids, taken)
            chosen, told = chosen_tokens(run, index, alive, runner.ids, logits, scores, taken)
        yield from beside
        yield from told
        rows = [row for row, growing in enumerate(alive) if growing.reason is None]
        if not rows or run.stopped:
            return
        if len(rows) < len(alive):
            runner.fork(rows)
            alive = [alive[row] for row in rows]
            chosen = chosen[rows]
