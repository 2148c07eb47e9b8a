"""From a step's scores to tokens that are told: the sampler's choice, or a person's."""

from __future__ import annotations

import math

import torch

from engine.errors import EngineError
from engine.events import Event, Looked, Numbers
from engine.strategies.run import Growing, Run
from engine.weighing import weighed

LOOKED_AT = 12
"""How many tokens are told of a step that is looked at."""


def chosen_tokens(
    run: Run,
    index: int,
    rows: list[Growing],
    ids: torch.Tensor,
    logits: torch.Tensor,
    scores: torch.Tensor,
    taken: torch.Tensor | None = None,
) -> tuple[torch.Tensor, list[Event]]:
    """The next id of each row, appended to its sequence: the ids (rows,), and what is to be told.

    `ids` (rows, length) are the text so far; `logits` (rows, vocabulary) what the model gave, `taken` what the strategy
    makes of them for the sampler, the same under most, and `scores` what the sampler makes of that. Where a person
    picked the token of this `index` it is that one; the random streams go on all the same, so that what follows draws
    what it would have drawn. Raises `EngineError` for a token that cannot be picked.
    """
    tensors = [*run.tensors(index, scores, logits, rows)]
    chosen = run.sampler.choose(scores, [growing.number for growing in rows])
    pick = picked(run, index, scores)
    if pick is not None:
        chosen = torch.full_like(chosen, pick)
    logprobs = torch.log_softmax(scores, dim=-1)
    others = run.alternatives(logprobs, logits)
    numbers = measured(run, chosen, logits)
    source = logprobs if pick is None else torch.log_softmax(logits, dim=-1)
    own = source.gather(-1, chosen[:, None]).squeeze(1).tolist()
    looked = look(run, index, rows, ids, logits if taken is None else taken, chosen)
    told = [
        run.append(growing, token_id, logprob, alternatives, numbers=number, picked=pick is not None)
        for growing, token_id, logprob, alternatives, number in zip(
            rows, chosen.tolist(), own, others, numbers, strict=True
        )
    ]
    return chosen, [*tensors, *told, *looked]


def look(
    run: Run, index: int, rows: list[Growing], ids: torch.Tensor, taken: torch.Tensor, chosen: torch.Tensor
) -> list[Looked]:
    """What was weighed for the sequence that somebody looks at, once each time it is asked for."""
    wanted = run.controls.looking
    row = next((row for row, growing in enumerate(rows) if growing.number == wanted), None)
    if wanted is None or row is None:
        return []
    run.controls.looking = None
    part = slice(row, row + 1)
    return [Looked(wanted, index, weighed(run.model, ids[part], taken[part], run.sampler, LOOKED_AT, int(chosen[row])))]


def picked(run: Run, index: int, scores: torch.Tensor) -> int | None:
    """The token that a person picked for the new token `index`. Raises `EngineError` where it cannot be had."""
    pick = run.controls.picked(index)
    if pick is None:
        return None
    if not 0 <= pick < scores.shape[-1]:
        raise EngineError(f"token {pick} cannot be taken: the model's vocabulary has {scores.shape[-1]}")
    if run.sampler.is_strict and bool((scores[:, pick] == -float("inf")).any()):
        raise EngineError(f"token {pick} cannot be taken: what the text is to keep to does not allow it here")
    return pick


def measured(run: Run, chosen: torch.Tensor, logits: torch.Tensor) -> list[Numbers | None]:
    """For each row its chosen id in the model's own distribution, while the run is measured."""
    if not run.controls.measuring:
        return [None] * logits.shape[0]
    raw = torch.log_softmax(logits, dim=-1)
    own = raw.gather(-1, chosen[:, None])
    ranks = (1 + (raw > own).sum(dim=-1)).tolist()
    entropies = (torch.special.entr(raw.exp()).sum(dim=-1) / math.log(2)).tolist()
    return [Numbers(*each) for each in zip(own.squeeze(1).tolist(), ranks, entropies, strict=True)]
