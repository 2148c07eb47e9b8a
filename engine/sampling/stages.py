"""Settings to logits processors: transformers' own classes, in its own order, so that seeds are comparable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    LogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from engine.settings import PARAMETERS, Settings


@dataclass(frozen=True, slots=True)
class Context:
    """What processors need beside the settings; `eos_token_ids` are the model's own."""

    prompt_length: int
    eos_token_ids: tuple[int, ...]
    device: torch.device


@dataclass(frozen=True, slots=True)
class Stage:
    """One processor and the setting that it stands for."""

    name: str
    processor: LogitsProcessor


Maker = Callable[[Settings, Context], LogitsProcessor | None]


def _min_new_tokens(settings: Settings, context: Context) -> LogitsProcessor | None:
    end_ids = settings.end_ids(context.eos_token_ids)
    if not end_ids:
        return None  # nothing could end the text too early
    return MinNewTokensLengthLogitsProcessor(
        context.prompt_length, settings.min_new_tokens, list(end_ids), device=str(context.device)
    )


# Act under every strategy.
PROCESSORS: dict[str, Maker] = {
    "repetition_penalty": lambda s, _: RepetitionPenaltyLogitsProcessor(s.repetition_penalty),
    "no_repeat_ngram_size": lambda s, _: NoRepeatNGramLogitsProcessor(s.no_repeat_ngram_size),
    "min_new_tokens": _min_new_tokens,
}
# Act only where tokens are drawn: greedy takes the likeliest whatever these say.
WARPERS: dict[str, Maker] = {
    "temperature": lambda s, _: TemperatureLogitsWarper(s.temperature),
    "top_k": lambda s, _: TopKLogitsWarper(s.top_k),
    "top_p": lambda s, _: TopPLogitsWarper(s.top_p),
    "min_p": lambda s, _: MinPLogitsWarper(s.min_p),
    "typical_p": lambda s, _: TypicalLogitsWarper(s.typical_p),
    "epsilon_cutoff": lambda s, _: EpsilonLogitsWarper(s.epsilon_cutoff),
    "eta_cutoff": lambda s, context: EtaLogitsWarper(s.eta_cutoff, device=str(context.device)),
}


def stages(settings: Settings, context: Context) -> tuple[Stage, ...]:
    """The processors that these settings switch on, in the order in which they act."""
    makers = PROCESSORS | WARPERS if settings.strategy == "sample" else PROCESSORS
    made = ((name, make(settings, context)) for name, make in makers.items() if _is_on(settings, name))
    return tuple(Stage(name, processor) for name, processor in made if processor is not None)


def _is_on(settings: Settings, name: str) -> bool:
    parameter = PARAMETERS[name]
    neutral = parameter.off if parameter.can_be_off else parameter.upstream
    return bool(getattr(settings, name) != neutral)
