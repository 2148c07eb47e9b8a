"""Beam search (the likeliest continuations are kept) and beam sampling (continuations are drawn)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from engine.events import Event
from engine.releases import DRAWN_BEAMS_ARE_RANKED
from engine.strategies.beams.path import Path
from engine.strategies.beams.search import Candidate, Group, Search
from engine.strategies.run import Run


def beam(run: Run) -> Iterator[Event]:
    """One group of `num_beams`; under beam-sample its candidates are drawn without replacement."""

    return Search(run, [Group.of(run.settings.num_beams, Path(None, 0.0))], partial(candidates, run)).events()


def candidates(run: Run, scores: torch.Tensor, group: Group) -> list[Candidate]:
    """The best ways to go on (or drawn ones), enough that the group is full even if many of them end."""
    sums = torch.tensor([path.total for path in group.running], device=scores.device)
    totals = (scores + sums[:, None]).flatten()
    ends = len(run.end_ids)
    wanted = min(max(2, 1 + ends) * group.width, totals.numel())
    places = run.sampler.choose_several(totals, wanted)
    if run.settings.draws and DRAWN_BEAMS_ARE_RANKED:
        places = places[totals[places].argsort(descending=True)]
    vocabulary = scores.shape[-1]
    logprobs = scores.flatten()[places]
    found = zip(totals[places].tolist(), places.tolist(), logprobs.tolist(), strict=True)
    return [Candidate(total, place // vocabulary, place % vocabulary, logprob) for total, place, logprob in found]
