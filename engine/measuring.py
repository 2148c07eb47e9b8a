"""The numbers of tokens that are there already: what a run tells while it is measured, had afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from engine import guiding
from engine.errors import EngineError
from engine.events import Numbers, Prepared
from engine.generation import prepared
from engine.models.loaded import LoadedModel
from engine.runner.sliding import SlidingRunner
from engine.scoring import Score, scores_of
from engine.settings import Settings
from engine.window import window


def measure(
    model: LoadedModel, prompt: Sequence[int], written: Sequence[int], settings: Settings, first: int = 0
) -> Iterator[list[Numbers]]:
    """The numbers of `written[first:]`, the new ids of a run that began from `prompt`, in parts as they are computed.

    In one pass where the model sees text so; by steps under guidance, and where the passes make a difference. No run is
    disturbed by it, and what is cached is kept from one time to the next. Raises `EngineError`.
    """
    if not all(0 <= token < model.vocabulary_size for token in written):
        raise EngineError(
            f"a token is outside the model's vocabulary of {model.vocabulary_size}: another model wrote it"
        )
    with model.family.kept(model):
        yield from _measure(model, prepared(model, list(prompt), settings), written, settings, first)


def _measure(
    model: LoadedModel, ready: Prepared, written: Sequence[int], settings: Settings, first: int
) -> Iterator[list[Numbers]]:
    guided = guiding.runner(model.looking, settings)
    runner = guided if guided.scale != 1 else SlidingRunner(model.looking.runner)
    runner.adapt(model.mix(settings.adapters))
    runner.window = window(settings, model.positions, model.family.head(model, ready.ids))
    text = torch.tensor([*ready.ids, *written], device=model.device)
    at = len(ready.ids) + first
    if at >= len(text):
        return
    logits = runner.follow(ready.ids, written[:first])
    yield _numbers(scores_of(logits, text[at : at + 1]))
    for logits in runner.read(text[at:-1]):
        at += len(logits)
        yield _numbers(scores_of(logits, text[at - len(logits) + 1 : at + 1]))


def _numbers(found: list[Score]) -> list[Numbers]:
    return [Numbers(score.logprob, score.rank, score.entropy) for score in found]
