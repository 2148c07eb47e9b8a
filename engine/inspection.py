"""Looking without generating: the tokens of a text, and what could come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine import guiding
from engine.detokenizer import detokenizer
from engine.errors import PromptError
from engine.events import Begun, Prepared
from engine.generation import prepared
from engine.models.loaded import LoadedModel
from engine.runner.sliding import SlidingRunner
from engine.sampling import RandomStreams, Sampler
from engine.sampling.spelling import Spelling
from engine.sampling.stages import Context
from engine.settings import PARAMETERS, Settings
from engine.strategies.wording import acting, as_tokens
from engine.vocabulary import VocabularyToken
from engine.weighing import Weighing, distribution, weighed
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
    """The next-token table: `candidates` in the model's own order, entropies in bits, the stages that acted.

    `weighing` has what each of those stages did.
    """

    prepared: Prepared
    candidates: tuple[Candidate, ...]
    raw_entropy: float
    entropy: float
    stages: tuple[str, ...]
    weighing: Weighing


@dataclass(frozen=True, slots=True)
class Shift:
    """A token whose probability a setting changes: without it, and with it."""

    text: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What one setting does to the next token, the others as they are: how many tokens it leaves of how many, and
    the `shifts` that are largest. `words` says which tokens its words are, where it holds words.
    """

    name: str
    left: int
    of: int
    shifts: tuple[Shift, ...]
    words: str = ""


def tokens(model: LoadedModel, text: str) -> list[TextToken]:
    """The tokens of a text as it stands, nothing added."""
    ids = model.tokenizer.encode(text, add_special_tokens=False)
    return [TextToken(i, model.piece(i), i in model.special_ids) for i in ids]


def vocabulary(model: LoadedModel) -> list[VocabularyToken]:
    """Every id that the model has logits for, with its text."""
    return [VocabularyToken(i, model.piece(i), i in model.special_ids) for i in range(model.vocabulary_size)]


def text_of(model: LoadedModel, ids: Sequence[int]) -> str:
    """The text that these ids stand for. Raises `PromptError` for one that the model does not know."""
    size = model.vocabulary_size
    unknown = next((token for token in ids if not 0 <= token < size), None)
    if unknown is not None:
        raise PromptError(f"token id {unknown}: must be within the model's vocabulary of {size}")
    pieces = detokenizer(model.tokenizer)
    return "".join([*map(pieces.push, ids), pieces.flush()])


def next_token(model: LoadedModel, prompt: str | Sequence[int] | Begun, settings: Settings, top: int = 12) -> NextToken:
    """What the model was about to say after `prompt` (text, or ids as they are): its `top` likeliest tokens, raw and
    under the settings.
    """
    ready = prepared(model, prompt, settings)
    runner, logits = _seen(model, ready.ids, settings)
    sampler = _sampler(model, ready, settings)
    weighing = weighed(model, runner.ids, logits, sampler, top)
    raw, final = weighing.stages[0], weighing.stages[-1]
    rows = zip(
        weighing.ids, weighing.texts, raw.probabilities, raw.ranks, final.probabilities, final.ranks, strict=True
    )
    candidates = tuple(Candidate(*row) for row in rows)
    return NextToken(ready, candidates, raw.entropy, final.entropy, sampler.stage_names, weighing)


def effect(
    model: LoadedModel, prompt: str | Sequence[int] | Begun, settings: Settings, name: str, top: int = 3
) -> Effect:
    """What the setting `name` does to the token after `prompt` (text, or ids as they are)."""
    parameter = PARAMETERS[name]
    without = settings.changed(**{name: parameter.off if parameter.can_be_off else parameter.upstream})
    ready = prepared(model, prompt, settings)
    runner, logits = _seen(model, ready.ids, settings)
    before, after = (
        distribution(_sampler(model, ready, each).process(runner.ids, logits)) for each in (without, settings)
    )
    moved = (after - before).abs().topk(min(top, after.numel())).indices.tolist()
    shifts = [Shift(model.piece(i), float(before[i]), float(after[i])) for i in moved if before[i] != after[i]]
    words = as_tokens(Spelling(model), acting(settings).get(name, ()))
    return Effect(name, int((after > 0).sum()), int((before > 0).sum()), tuple(shifts), words)


def _seen(model: LoadedModel, ids: tuple[int, ...], settings: Settings) -> tuple[SlidingRunner, torch.Tensor]:
    """The runner with these ids in it, and the logits (1, vocabulary) after what of them is in sight."""
    runner = guiding.runner(model.looking, settings)
    runner.window = window(settings, model.positions, model.family.head(model, ids))
    return runner, runner.prefill(ids)[0]


def _sampler(model: LoadedModel, ready: Prepared, settings: Settings) -> Sampler:
    return Sampler(settings, Context.of(model, ready, settings), RandomStreams(settings.seed))
