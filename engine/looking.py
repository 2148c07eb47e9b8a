"""Looking into a step that was, or that is to come: what is weighed for it, as its own run weighs it.

It is computed anew on runners of its own, so that no run is disturbed by it, and the cache there is kept from look to
look: a step further costs one token.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from engine import guiding
from engine.events import Begun, Prepared
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
    prompt: str | Sequence[int] | Prepared | Begun,
    written: Sequence[int],
    settings: Settings,
    top: int = 12,
    chosen: int | None = None,
    form_at: int = 0,
) -> Weighing:
    """The step after `written`, the new ids so far of a run that began from `prompt`, which is as `generate` takes it.

    `settings` are those of this step, and its form, where they ask for one, began after the first `form_at` of the new
    ids; `chosen` is the token that came, where one has. Raises `EngineError`.
    """
    with model.family.kept(model):
        return _look(model, prepared(model, prompt, settings), written, settings, top, chosen, form_at)


def _look(
    model: LoadedModel,
    ready: Prepared,
    written: Sequence[int],
    settings: Settings,
    top: int,
    chosen: int | None,
    form_at: int,
) -> Weighing:
    runner = guiding.runner(model.looking, settings)
    runner.window = window(settings, model.positions, model.family.head(model, ready.ids))
    sampler = Sampler(settings, Context.of(model, ready, settings), RandomStreams(settings.seed))
    for form in sampler.context.forms:
        form.start = len(ready.ids) + form_at
    contrasts = settings.strategy == "dola"
    with runner.watched() if contrasts else nullcontext():
        logits = runner.follow(ready.ids, written)
        if contrasts:
            logits = read_layers(model, runner, sampler, logits).logits
    return weighed(model, runner.ids, logits, sampler, top, chosen)
