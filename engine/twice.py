"""The same run by the library's `generate()` and by the step loop here: the tokens must be the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from engine.chat import end_ids
from engine.errors import EngineError
from engine.events import Beams, Failed, Finished, Token
from engine.generation import generate, prepared
from engine.releases import NO_CACHE_IN_GENERATE
from engine.sampling.stages import WARPERS
from engine.settings import PARAMETERS, Settings
from engine.settings.names import BEAMS

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

MOST = 200
"""New tokens that are compared at most."""
# What the library's own loop still does; the rest went out of it with release 5, or needs a second model.
_THERE = ("greedy", "sample", "beam", "beam-sample")
# They change nothing in the tokens of one run that fits the model, or are in the ids or the weights already.
_WITHOUT_EFFECT = frozenset(
    {"strategy", "seed", "alternatives", "overflow", "prefix", "chat", "system_prompt", "xlm_language", "max_time"}
    | {"adapters"}
)

Report = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Twice:
    """Both loops' new ids, and how many seconds each took, the prompt included."""

    library: tuple[int, ...]
    loop: tuple[int, ...]
    library_s: float
    loop_s: float

    @property
    def first_difference(self) -> int | None:
        """The place of the first new token that differs; None where they agree."""
        if self.library == self.loop:
            return None
        pairs = zip(self.library, self.loop, strict=False)
        shorter = min(len(self.library), len(self.loop))
        return next((at for at, (one, other) in enumerate(pairs) if one != other), shorter)


def no_counterpart(settings: Settings) -> str:
    """Why the library cannot do the same run, in one line; empty where it can."""
    if settings.strategy not in _THERE:
        return f"The library's generate() is not set beside {settings.strategy}: it has no such loop, or none alone."
    if settings.num_return_sequences > 1:
        return "Set sequences to 1: the library draws several from one random stream, here each has its own."
    known = GenerationConfig()
    odd = [
        PARAMETERS[name].title
        for name in Settings().differences(settings)
        if name not in _WITHOUT_EFFECT and not hasattr(known, name)
    ]
    return f"The library's generate() has no counterpart to {', '.join(odd)}." if odd else ""


def twice(model: LoadedModel, prompt: str | Sequence[int], settings: Settings, report: Report | None = None) -> Twice:
    """The same run by both loops, of at most `MOST` new tokens; neither touches the cache of the session's runs.

    `report` gets how many tokens of how many are done, and ends it by raising. Raises `EngineError` where a run fails
    or the library has no counterpart.
    """
    why = no_counterpart(settings)
    if why:
        raise EngineError(why)
    aside = replace(model, drafting={})  # one with a runner of its own
    aside.mix(settings.adapters).apply()
    ids = prepared(aside, prompt, settings).ids
    room = min(settings.room(len(ids), model.positions), MOST)
    settings = settings.changed(max_new_tokens=room, max_length=None, max_time=None)
    tell = report or (lambda done, total: None)
    library, library_s = _by_library(aside, ids, settings, lambda done: tell(done, 2 * room))
    loop, loop_s = _by_loop(aside, ids, settings, lambda done: tell(room + done, 2 * room))
    return Twice(library, loop, library_s, loop_s)


class _Told(StoppingCriteria):  # type: ignore[misc]
    """Tells after each of the library's steps, and never stops it but by what telling raises."""

    def __init__(self, prompt: int, tell: Callable[[int], object]) -> None:
        self._prompt, self._tell = prompt, tell

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        self._tell(input_ids.shape[1] - self._prompt)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _by_library(
    model: LoadedModel, ids: Sequence[int], settings: Settings, tell: Callable[[int], object]
) -> tuple[tuple[int, ...], float]:
    network = model.model
    own, network.generation_config = network.generation_config, GenerationConfig()  # what it has would be mixed in
    given = torch.tensor([list(ids)], device=model.device)
    ends = settings.end_ids(end_ids(model, settings))
    cached = settings.use_cache and network.config.model_type not in NO_CACHE_IN_GENERATE
    pad = own.pad_token_id if own.pad_token_id is not None else (ends[0] if ends else 0)
    devices = [model.device] if model.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(settings.seed)
            start = time.perf_counter()
            output = network.generate(
                given,
                attention_mask=torch.ones_like(given),
                generation_config=_config(settings.changed(use_cache=cached), ends, pad, own.bos_token_id),
                stopping_criteria=StoppingCriteriaList([_Told(len(ids), tell)]),
                **({"tokenizer": model.tokenizer} if settings.stop_strings else {}),
            )
            seconds = time.perf_counter() - start
    finally:
        network.generation_config = own
    return tuple(output[0, len(ids) :].tolist()), seconds


def _config(settings: Settings, ends: tuple[int, ...], pad: int, bos: int | None) -> GenerationConfig:
    """The settings by the library's names."""
    known, plain = GenerationConfig(), settings.to_dict()
    values = {
        name: plain[name]
        for name, parameter in PARAMETERS.items()
        if hasattr(known, name) and (not parameter.under or settings.strategy in parameter.under)
        if getattr(settings, name) != parameter.check(parameter.upstream)
    }
    if "sequence_bias" in values:
        values["sequence_bias"] = {tuple(phrase): bias for phrase, bias in values["sequence_bias"]}
    beams = {"num_beams": settings.num_beams} if settings.strategy in BEAMS else {"num_beams": 1}
    if settings.early_stopping in ("true", "false"):
        values["early_stopping"] = settings.early_stopping == "true"
    drawing = {} if settings.draws else dict.fromkeys(WARPERS)
    fixed = {"do_sample": settings.draws, "top_k": settings.top_k, "max_new_tokens": settings.max_new_tokens}
    special = {"eos_token_id": list(ends) or None, "pad_token_id": pad, "bos_token_id": bos}
    return GenerationConfig(**values | drawing | beams | fixed | special)


def _by_loop(
    model: LoadedModel, ids: Sequence[int], settings: Settings, tell: Callable[[int], object]
) -> tuple[tuple[int, ...], float]:
    start, end, done = time.perf_counter(), None, 0
    for end in generate(model, list(ids), settings):
        done += isinstance(end, Token | Beams)
        tell(min(done, settings.max_new_tokens))
    if isinstance(end, Failed):
        raise EngineError(end.error)
    assert isinstance(end, Finished)
    return end.sequences[0].token_ids, time.perf_counter() - start
