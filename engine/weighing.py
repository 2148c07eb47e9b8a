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
    scores = [(RAW, logits), *sampler.by_stage(ids, logits)]
    distributions = [distribution(each) for _, each in scores]
    raw, final = distributions[0], distributions[-1]
    found = torch.maximum(raw, final).topk(min(top, raw.numel())).indices
    if chosen is not None and not (found == chosen).any():
        found = torch.cat([found, found.new_tensor([chosen])])
    found = found[raw[found].argsort(descending=True, stable=True)]
    stages = tuple(
        _weighed(name, each[0], probabilities, found, chosen)
        for (name, each), probabilities in zip(scores, distributions, strict=True)
    )
    names = tuple(found.tolist())
    return Weighing(names, tuple(map(model.piece, names)), stages, chosen)


def _weighed(
    name: str, scores: torch.Tensor, probabilities: torch.Tensor, found: torch.Tensor, chosen: int | None
) -> Weighed:
    left = int((scores != -math.inf).sum())
    its_own = None if chosen is None else float(probabilities[chosen])
    ranks = [1 + int((probabilities > own).sum()) for own in probabilities[found]]
    rank = None if chosen is None else ranks[found.tolist().index(chosen)]
    shown = tuple(probabilities[found].tolist())
    return Weighed(name, shown, tuple(ranks), entropy(probabilities), left, rank, its_own)


def distribution(scores: torch.Tensor) -> torch.Tensor:
    """The probabilities (vocabulary,) of the first row; `EngineError` where the scores are no numbers."""
    probabilities = torch.softmax(scores[0].double(), dim=-1)
    if torch.isnan(probabilities).any():
        raise EngineError("the model's scores are not numbers: try dtype float32")
    return probabilities


def entropy(probabilities: torch.Tensor) -> float:
    """In bits, of probabilities (vocabulary,)."""
    return float(torch.special.entr(probabilities).sum()) / math.log(2)
