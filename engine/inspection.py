"""Looking without generating: the tokens of a text, and what could come next."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.errors import EngineError
from engine.events import Prepared
from engine.generation import prepared
from engine.models.loaded import LoadedModel
from engine.runner.sliding import SlidingRunner
from engine.sampling import RandomStreams, Sampler
from engine.sampling.stages import Context
from engine.settings import Settings
from engine.window import window


@dataclass(frozen=True, slots=True)
class TextToken:
    """One token of a text."""

    id: int
    text: str
    special: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that could come next: probability and rank (from 1) as the model has it and after the sampler.

    `probability` is 0 where a stage of the sampler has ruled the token out.
    """

    id: int
    text: str
    raw_probability: float
    raw_rank: int
    probability: float
    rank: int


@dataclass(frozen=True, slots=True)
class NextToken:
    """The next-token table: `candidates` in the model's own order, entropies in bits, the stages that acted."""

    prepared: Prepared
    candidates: tuple[Candidate, ...]
    raw_entropy: float
    entropy: float
    stages: tuple[str, ...]


def tokens(model: LoadedModel, text: str) -> list[TextToken]:
    """The tokens of a text as it stands, nothing added."""
    ids = model.tokenizer.encode(text, add_special_tokens=False)
    return [TextToken(i, model.piece(i), i in model.special_ids) for i in ids]


def next_token(model: LoadedModel, prompt: str, settings: Settings, top: int = 12) -> NextToken:
    """What the model was about to say after `prompt`: its `top` likeliest tokens, raw and under the settings."""
    ready = prepared(model, prompt, settings)
    head = model.family.head(model, ready.ids)
    runner = SlidingRunner(model.runner, window(settings, model.positions, head))
    logits, _ = runner.prefill(ready.ids)
    context = Context(len(ready.ids), model.eos_token_ids, model.device)
    sampler = Sampler(settings, context, RandomStreams(settings.seed))
    scores = sampler.process(runner.ids, logits)
    raw, processed = (torch.softmax(values[0].double(), dim=-1) for values in (logits, scores))
    if torch.isnan(raw).any():
        raise EngineError("the model's scores are not numbers: try dtype float32")
    best = raw.topk(min(top, raw.numel())).indices
    rank, raw_rank = (1 + (p[None, :] > p[best, None]).sum(dim=1) for p in (processed, raw))
    candidates = [
        Candidate(i, model.piece(i), float(raw[i]), int(raw_rank[at]), float(processed[i]), int(rank[at]))
        for at, i in enumerate(best.tolist())
    ]
    return NextToken(ready, tuple(candidates), _entropy(raw), _entropy(processed), sampler.stage_names)


def _entropy(probabilities: torch.Tensor) -> float:
    return float(torch.special.entr(probabilities).sum() / torch.log(torch.tensor(2.0)))
