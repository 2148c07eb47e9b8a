"""Looking into a step that was, or that is to come: what is weighed for it, as its own run weighs it.

It is computed anew on runners of its own, so that no run is disturbed by it, and the cache there is kept from look to
look: a step further costs one token.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch

from engine import guiding
from engine.generation import prepared
from engine.models.loaded import LoadedModel
from engine.sampling import RandomStreams, Sampler
from engine.sampling.stages import Context
from engine.settings import Settings
from engine.strategies.dola import read_layers
from engine.weighing import Weighing, weighed
from engine.window import window


def look(
    model: LoadedModel,
    prompt: str | Sequence[int],
    written: Sequence[int],
    settings: Settings,
    top: int = 12,
    chosen: int | None = None,
) -> Weighing:
    """The step after `written`, the new ids so far of a run that began from `prompt` (text, or ids as they are).

    `settings` are those of this step; `chosen` is the token that came, where one has. Raises `EngineError`.
    """
    ready = prepared(model, prompt, settings)
    ids = [*ready.ids, *written]
    runner = guiding.runner(model.looking, settings)
    runner.window = window(settings, model.positions, model.family.head(model, ready.ids))
    sampler = Sampler(settings, Context.of(model, ready), RandomStreams(settings.seed))
    for form in sampler.context.forms:
        form.start = len(ready.ids)
    contrasts = settings.strategy == "dola"
    with runner.watched() if contrasts else nullcontext():
        if runner.scale != 1 and written:  # what it moves away from depends on where the prompt ends
            runner.prefill(ready.ids)
            logits = runner.see(torch.tensor([ids], device=model.device))
        else:
            logits, _ = runner.prefill(ids)
        if contrasts:
            logits = read_layers(model, runner, sampler, logits).logits
    return weighed(model, runner.ids, logits, sampler, top, chosen)
