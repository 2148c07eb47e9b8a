"""Looking without generating: the tokens of a text, and what could come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine import guiding
from engine.errors import EngineError
from engine.events import Prepared
from engine.generation import prepared
from engine.models.loaded import LoadedModel
from engine.runner.sliding import SlidingRunner
from engine.sampling import RandomStreams, Sampler
from engine.sampling.stages import Context
from engine.settings import PARAMETERS, Settings
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


@dataclass(frozen=True, slots=True)
class Shift:
    """A token whose probability a setting changes: without it, and with it."""

    text: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What one setting does to the next token, the others as they are: how many tokens it leaves of how many, and
    the `shifts` that are largest.
    """

    name: str
    left: int
    of: int
    shifts: tuple[Shift, ...]


def tokens(model: LoadedModel, text: str) -> list[TextToken]:
    """The tokens of a text as it stands, nothing added."""
    ids = model.tokenizer.encode(text, add_special_tokens=False)
    return [TextToken(i, model.piece(i), i in model.special_ids) for i in ids]


def next_token(model: LoadedModel, prompt: str, settings: Settings, top: int = 12) -> NextToken:
    """What the model was about to say after `prompt`: its `top` likeliest tokens, raw and under the settings."""
    ready = prepared(model, prompt, settings)
    runner, logits = _seen(model, ready.ids, settings)
    sampler = _sampler(model, ready.ids, settings)
    raw, processed = _distribution(logits), _distribution(sampler.process(runner.ids, logits))
    best = raw.topk(min(top, raw.numel())).indices
    rank, raw_rank = (1 + (p[None, :] > p[best, None]).sum(dim=1) for p in (processed, raw))
    candidates = [
        Candidate(i, model.piece(i), float(raw[i]), int(raw_rank[at]), float(processed[i]), int(rank[at]))
        for at, i in enumerate(best.tolist())
    ]
    return NextToken(ready, tuple(candidates), _entropy(raw), _entropy(processed), sampler.stage_names)


def effect(model: LoadedModel, prompt: str | Sequence[int], settings: Settings, name: str, top: int = 3) -> Effect:
    """What the setting `name` does to the token after `prompt` (text, or ids as they are)."""
    parameter = PARAMETERS[name]
    without = settings.changed(**{name: parameter.off if parameter.can_be_off else parameter.upstream})
    ids = prepared(model, prompt, settings).ids
    runner, logits = _seen(model, ids, settings)
    before, after = (
        _distribution(_sampler(model, ids, each).process(runner.ids, logits)) for each in (without, settings)
    )
    moved = (after - before).abs().topk(min(top, after.numel())).indices.tolist()
    shifts = [Shift(model.piece(i), float(before[i]), float(after[i])) for i in moved if before[i] != after[i]]
    return Effect(name, int((after > 0).sum()), int((before > 0).sum()), tuple(shifts))


def _seen(model: LoadedModel, ids: tuple[int, ...], settings: Settings) -> tuple[SlidingRunner, torch.Tensor]:
    """The runner with these ids in it, and the logits (1, vocabulary) after what of them is in sight."""
    runner = guiding.runner(model.looking, settings)
    runner.window = window(settings, model.positions, model.family.head(model, ids))
    return runner, runner.prefill(ids)[0]


def _sampler(model: LoadedModel, ids: tuple[int, ...], settings: Settings) -> Sampler:
    return Sampler(settings, Context.of(model, ids), RandomStreams(settings.seed))


def _distribution(scores: torch.Tensor) -> torch.Tensor:
    """The probabilities (vocabulary,) of the first row."""
    probabilities = torch.softmax(scores[0].double(), dim=-1)
    if torch.isnan(probabilities).any():
        raise EngineError("the model's scores are not numbers: try dtype float32")
    return probabilities


def _entropy(probabilities: torch.Tensor) -> float:
    return float(torch.special.entr(probabilities).sum() / torch.log(torch.tensor(2.0)))
