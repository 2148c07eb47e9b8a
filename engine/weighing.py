"""How a step's distribution comes to be: raw, and after each stage of the sampler."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from engine.errors import EngineError
from engine.models.loaded import LoadedModel
from engine.sampling import Sampler

RAW = "raw"


@dataclass(frozen=True, slots=True)
class Weighed:
    """The distribution after one stage.

    `probabilities` and `ranks` (from 1) are those of the table's candidates; a token ruled out has 0. `entropy`
    is in bits; `left` is how many tokens can still come. `rank` and `probability` are the chosen token's.
    """

    name: str
    probabilities: tuple[float, ...]
    ranks: tuple[int, ...]
    entropy: float
    left: int
    rank: int | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Weighing:
    """A step looked into: `ids` and `texts` of the candidates in the model's own order, and its `stages`.

    The first stage is the model's own distribution (`RAW`), the last is what the token is drawn from.
    """

    ids: tuple[int, ...]
    texts: tuple[str, ...]
    stages: tuple[Weighed, ...]
    chosen: int | None = None


def weighed(
    model: LoadedModel, ids: torch.Tensor, logits: torch.Tensor, sampler: Sampler, top: int, chosen: int | None = None
) -> Weighing:
    """The step after `ids` (1, length) whose raw scores are `logits` (1, vocabulary), under the sampler as it is.

    The candidates are the `top` tokens that are likeliest raw or in the end, and the `chosen` one wherever it stands.
    The sampler's stages are applied as at a step, nothing is drawn. Raises `EngineError` where scores are no numbers.
    """
    names, scores = zip((RAW, logits), *sampler.by_stage(ids, logits), strict=True)
    stacked = torch.cat([each[:1] for each in scores])
    probabilities = _distributions(stacked)
    raw, final = probabilities[0], probabilities[-1]
    found = torch.maximum(raw, final).topk(min(top, raw.numel())).indices
    if chosen is not None and not (found == chosen).any():
        found = torch.cat([found, found.new_tensor([chosen])])
    found = found[raw[found].argsort(descending=True, stable=True)]
    own = probabilities[:, found]
    ranks = 1 + (probabilities[:, None] > own[:, :, None]).sum(dim=-1)
    entropies = torch.special.entr(probabilities).sum(dim=-1) / math.log(2)
    left = (stacked != -math.inf).sum(dim=-1)
    told = zip(names, own.tolist(), ranks.tolist(), entropies.tolist(), left.tolist(), strict=True)
    candidates = tuple(found.tolist())
    place = None if chosen is None else candidates.index(chosen)
    stages = tuple(_weighed(*each, place) for each in told)
    return Weighing(candidates, tuple(map(model.piece, candidates)), stages, chosen)


def _weighed(
    name: str, probabilities: list[float], ranks: list[int], entropy: float, left: int, place: int | None
) -> Weighed:
    """`place` is the chosen token's among the candidates."""
    its_own = (None, None) if place is None else (ranks[place], probabilities[place])
    return Weighed(name, tuple(probabilities), tuple(ranks), entropy, left, *its_own)


def distribution(scores: torch.Tensor) -> torch.Tensor:
    """The probabilities (vocabulary,) of the first row; `EngineError` where the scores are no numbers."""
    return _distributions(scores[:1])[0]


def _distributions(scores: torch.Tensor) -> torch.Tensor:
    probabilities = torch.softmax(scores.double(), dim=-1)
    if torch.isnan(probabilities).any():
        raise EngineError("the model's scores are not numbers: try dtype float32")
    return probabilities
