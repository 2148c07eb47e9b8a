"""Contrastive search (Su et al. 2022): of the likeliest tokens, the one that least repeats what the text is about.

A candidate's score is (1 - alpha) times its probability minus alpha times the degeneration penalty: the highest
cosine between its last hidden state and those of the tokens before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import torch

from engine.errors import EngineError
from engine.events import Candidate, Compared, Event, Prefilled
from engine.sampling.sampler import NO_NUMBERS
from engine.strategies.run import Run

# How many candidates there are where top-k is off.
CANDIDATES = 4
# Families whose token after the text is read at a mask, which no token's state can be compared with.
_MASKED = frozenset({"xlnet", "xlm"})


class _Step(NamedTuple):
    """What one candidate's pass gave: the logits after it (vocabulary,) and its unit hidden state (width,)."""

    logits: torch.Tensor
    state: torch.Tensor


def contrastive(run: Run) -> Iterator[Event]:
    """One sequence; every step puts `top_k` candidates through the model and keeps one."""
    if run.model.model.config.model_type in _MASKED:
        raise EngineError(f"contrastive search compares tokens' own states, and {run.model.family.name} reads its next "
                          "token at a mask: take another strategy")  # fmt: skip
    with run.runner.watched():
        yield from _search(run)


def _search(run: Run) -> Iterator[Event]:
    runner, growing = run.runner, run.sequences[0]
    logits = context = None
    for index in count():
        yield from run.begin_step(index)
        if run.stopped:
            return
        if index >= run.room():
            growing.reason = "length"
            return
        if logits is None or context is None:
            logits, reused = run.prefill(1)
            yield Prefilled(run.runner.seen, reused, run.prefill_s, runner.cache_shape())
            context = _Context(_unit(runner.hidden[-1][0]))
        with run.timed():
            scores = run.sampler.process(runner.ids, logits)
            best = torch.softmax(scores, dim=-1)[0].topk(_count(run, scores))
            steps = _passes(run, best.indices)
            penalties = torch.stack([context.closest(step.state) for step in steps])
            alpha = run.settings.penalty_alpha
            merits = (1 - alpha) * best.values - alpha * penalties
            merits = merits.masked_fill(best.values == 0, -float("inf"))  # being different does not make up for that
            if not merits.isfinite().any():
                raise EngineError(NO_NUMBERS)
            place = int(merits.argmax())
            token = int(best.indices[place])
            if run.settings.low_memory:
                logits = runner.step(best.indices[place : place + 1])
            else:
                runner.fork([place])
                logits = steps[place].logits[None]
            context.append(steps[place].state)
            others = run.alternatives(torch.log_softmax(scores, dim=-1), scores)[0]
            told = run.append(growing, token, float(best.values[place].log()), others)
            compared = zip(best.indices.tolist(), best.values.tolist(), penalties.tolist(), strict=True)
            candidates = tuple(Candidate(i, run.model.piece(i), p, penalty) for i, p, penalty in compared)
        yield Compared(index, token, candidates)
        yield told
        if growing.reason:
            return


def _count(run: Run, scores: torch.Tensor) -> int:
    return min(run.settings.top_k or CANDIDATES, scores.shape[-1])


def _passes(run: Run, candidates: torch.Tensor) -> list[_Step]:
    """A pass for each candidate: all as rows of one, or one after the other where memory is to be spared."""
    runner = run.runner
    if run.settings.low_memory:
        steps, length = [], runner.length
        for token in candidates.split(1):
            logits = runner.step(token)
            steps.append(_Step(logits[0], _unit(runner.hidden[-1][0, -1])))
            runner.rewind(length)
        return steps
    runner.fork([0] * len(candidates))
    logits = runner.step(candidates)
    states = _unit(runner.hidden[-1][:, -1])
    return [_Step(*pair) for pair in zip(logits, states, strict=True)]


class _Context:
    """The unit hidden states of all tokens so far, in a buffer that doubles, so that a step costs no copying."""

    def __init__(self, states: torch.Tensor) -> None:
        self._buffer, self._length = states.clone(), states.shape[0]

    def append(self, state: torch.Tensor) -> None:
        if self._length == self._buffer.shape[0]:
            self._buffer = torch.cat([self._buffer, torch.empty_like(self._buffer)])
        self._buffer[self._length] = state
        self._length += 1

    def closest(self, state: torch.Tensor) -> torch.Tensor:
        """The highest cosine with any of them."""
        return (self._buffer[: self._length] @ state).max()


def _unit(states: torch.Tensor) -> torch.Tensor:
    states = states.float()
    return states / states.norm(dim=-1, keepdim=True)
