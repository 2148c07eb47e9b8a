"""Contrastive search (Su et al. 2022): of the likeliest tokens, the one that least repeats what the text is about.

A candidate's score is (1 - alpha) times its probability minus alpha times the degeneration penalty: the highest
cosine between its last hidden state and those of the tokens before it.

What is compared are the tokens' own states, as the model last computed them: also where it reads the next token at a
mask or a dummy (XLM, XLNet), whose state is no token's. A model that sees both ways gives the tokens before a
candidate other states beside it, and it is compared with these. Where the window slides, a candidate is compared with
the tokens in sight alone, in their states as they are seen anew without the rest: what fell out of sight counts no
more, so the choice follows from the text and the settings, however the text came about.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import torch

from engine.errors import EngineError
from engine.events import Candidate, Compared, Event, Prefilled
from engine.runner.guided import GuidedRunner
from engine.sampling.sampler import NO_NUMBERS
from engine.strategies.choosing import look, measured, picked
from engine.strategies.run import Run

# How many candidates there are where top-k is off.
CANDIDATES = 4


def contrastive(run: Run) -> Iterator[Event]:
    """One sequence; every step puts `top_k` candidates through the model and keeps one."""
    with run.runner.watched():
        yield from _search(run)


def _search(run: Run) -> Iterator[Event]:
    runner, growing, context = run.runner, run.sequences[0], _Context()
    logits = view = place = worn = None
    for index in count():
        yield from run.begin_step(index)
        if run.stopped:
            return
        if index >= run.room():
            growing.reason = "length"
            return
        if logits is None:
            logits, reused = run.prefill(1)
            yield Prefilled(runner.seen, reused, run.prefill_s, runner.cache_shape())
            context.take(runner.states[0], runner.seen)
        elif view != runner.view:
            with run.timed():
                for logits in _anew(run) if worn != runner.adapters else _once_more(runner):  # noqa: B007
                    context.take(runner.states[0], runner.seen)
        view, worn = runner.view, runner.adapters
        yield from run.forgotten(index, [growing])
        with run.timed():
            ids = runner.ids
            scores = run.sampler.process(ids, logits)
        yield from run.tensors(index, scores, logits, [growing], None if run.settings.low_memory else place)
        with run.timed():
            pick = picked(run, index, scores)
            best = _candidates(run, scores, pick)
            ways, penalties = _passes(run, best.indices, context)
            alpha = run.settings.penalty_alpha
            merits = (1 - alpha) * best.values - alpha * penalties
            merits = merits.masked_fill(best.values == 0, -float("inf"))  # being different does not make up for that
            if not merits.isfinite().any():
                raise EngineError(NO_NUMBERS)
            place = int(merits.argmax()) if pick is None else best.indices.tolist().index(pick)
            token = int(best.indices[place])
            looked = look(run, index, [growing], ids, logits, best.indices[place : place + 1])
            numbers = measured(run, best.indices[place : place + 1], logits)[0]
            own = float(best.values[place].log() if pick is None else torch.log_softmax(logits, dim=-1)[0, pick])
            if ways is None:
                logits, states = runner.step(best.indices[place : place + 1]), runner.states[0]
            else:
                runner.fork([place])
                logits, states = ways[place : place + 1], runner.states[place]
            context.take(states, runner.seen)
            others = run.alternatives(torch.log_softmax(scores, dim=-1), scores)[0]
            told = run.append(growing, token, own, others, numbers=numbers, picked=pick is not None)
            compared = zip(best.indices.tolist(), best.values.tolist(), penalties.tolist(), strict=True)
            candidates = tuple(Candidate(i, run.model.piece(i), p, penalty) for i, p, penalty in compared)
        yield Compared(index, token, candidates)
        yield told
        yield from looked
        if growing.reason:
            return


class _Best(NamedTuple):
    """The candidates: their probabilities (n,) and ids (n,), likeliest first."""

    values: torch.Tensor
    indices: torch.Tensor


def _candidates(run: Run, scores: torch.Tensor, pick: int | None) -> _Best:
    """The likeliest tokens; the last of them gives way to one that a person picked and that is not among them."""
    probabilities = torch.softmax(scores, dim=-1)[0]
    best = _Best(*probabilities.topk(min(run.settings.top_k or CANDIDATES, scores.shape[-1])))
    if pick is not None and pick not in best.indices:
        best.indices[-1], best.values[-1] = pick, probabilities[pick]
    return best


def _passes(run: Run, candidates: torch.Tensor, context: _Context) -> tuple[torch.Tensor | None, torch.Tensor]:
    """The logits (candidates, vocabulary) after each candidate, and its degeneration penalty (candidates,).

    All go through the model as rows of one pass; where memory is to be spared, one after the other, and the logits are
    not kept.
    """
    runner, length = run.runner, run.runner.length
    if not run.settings.low_memory:
        runner.fork([0] * len(candidates))
        logits = runner.step(candidates)
        return logits, torch.stack([context.closest(states, runner.seen) for states in runner.states])
    penalties = []
    for token in candidates.split(1):
        runner.step(token)
        penalties.append(context.closest(runner.states[0], runner.seen))
        runner.rewind(length)
    return None, torch.stack(penalties)


def _once_more(runner: GuidedRunner) -> Iterator[torch.Tensor]:
    """The logits after the last token under what is in sight, and guides, by now."""
    last = runner.ids[:, -1]
    runner.rewind(runner.length - 1)
    yield runner.step(last)


def _anew(run: Run) -> Iterator[torch.Tensor]:
    """The same with other adapters, which give every token of the text other states: those too, pass by pass."""
    return run.runner.following(run.prompt_ids, run.sequences[0].ids)


class _Context:
    """The unit hidden states of the tokens in sight, in a buffer that doubles, so that a step costs no copying.

    Both methods take the states (n, width) that a pass gave for the last n of `seen` tokens in sight: one where there
    is a cache, all of them where there is none or the window has just moved.
    """

    def __init__(self) -> None:
        self._buffer = torch.empty((0, 0))

    def take(self, states: torch.Tensor, seen: int) -> None:
        """These tokens are in the text now; what was known of them before is out of date."""
        known = seen - states.shape[0]
        if seen > self._buffer.shape[0]:
            grown = states.new_empty((2 * seen, states.shape[1]), dtype=torch.float32)
            if known:
                grown[:known] = self._buffer[:known]
            self._buffer = grown
        self._buffer[known:seen] = _unit(states)

    def closest(self, states: torch.Tensor, seen: int) -> torch.Tensor:
        """The highest cosine of the last one with any before it; 0 where it is alone in sight."""
        own = _unit(states)
        parts = (self._buffer[: seen - len(own)], own[:-1])
        found = [(part @ own[-1]).max() for part in parts if len(part)]
        return torch.stack(found).max() if found else own.new_zeros(())


def _unit(states: torch.Tensor) -> torch.Tensor:
    states = states.float()
    return states / states.norm(dim=-1, keepdim=True)
