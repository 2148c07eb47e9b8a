"""From a prompt to events: the one caller of strategies."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Sequence

import torch

from engine.controls import Controls
from engine.detokenizer import detokenizer
from engine.errors import EngineError, PromptError, one_line
from engine.events import Event, Failed, Note, Prepared
from engine.models.loaded import LoadedModel
from engine.models.placement import is_out_of_memory
from engine.sampling import RandomStreams, Sampler
from engine.sampling.stages import Context
from engine.settings import Settings
from engine.strategies import STRATEGIES, Run
from engine.strategies.run import Growing

_LOG = logging.getLogger(__name__)


def generate(
    model: LoadedModel,
    prompt: str | Sequence[int],
    settings: Settings | None = None,
    controls: Controls | None = None,
    *,
    drawn: int = 0,
) -> Iterator[Event]:
    """Generate, telling everything that happens as it happens; the last event is `Finished` or `Failed`.

    `prompt` is text, which the model's family prepares, or token ids, which are taken as they are. `controls` may be
    changed at any time, also from another thread: the next token obeys. `drawn` passes over that many draws of the
    random streams, for a run that goes on where one with the same seed stopped.

    Nothing is computed before the first event is asked for, and nothing while none is.
    """
    settings, controls = settings or Settings(), controls or Controls()
    run: Run | None = None
    try:
        controls.begin(settings)
        ready = prepared(model, prompt, settings)
        yield ready
        run = _run(model, ready.ids, settings, controls, drawn)
        yield from STRATEGIES[settings.strategy](run)
        yield run.finished()
    except Exception as error:  # a model is foreign code: whatever it raises ends this run and nothing else
        if not isinstance(error, EngineError):
            _LOG.debug("a run failed", exc_info=True)
            _free(model)
        no_room = f"no room left on {model.device}: try a shorter prompt, fewer sequences or half precision"
        reason = no_room if is_out_of_memory(error) else one_line(error)
        yield Failed(reason, run.finished().sequences if run else ())


def _run(model: LoadedModel, ids: tuple[int, ...], settings: Settings, controls: Controls, drawn: int) -> Run:
    context = Context(torch.tensor([ids], device=model.device), model.eos_token_ids, model.positions)
    return Run(
        model=model,
        sampler=Sampler(settings, context, RandomStreams(settings.seed, drawn=drawn)),
        controls=controls,
        settings=settings,
        prompt_ids=list(ids),
        sequences=[
            Growing(number, detokenizer(model.tokenizer, ids)) for number in range(settings.num_return_sequences)
        ],
    )


def prepared(model: LoadedModel, prompt: str | Sequence[int], settings: Settings) -> Prepared:
    """The prompt's ids, checked against the model's positions and vocabulary; a note where the length is clipped."""
    if isinstance(prompt, str) and not prompt.isascii() and any("\ud800" <= sign <= "\udfff" for sign in prompt):
        raise PromptError("the prompt holds bytes that are no text (they were not valid UTF-8): type it anew")
    ready = model.family.prepare(model, prompt, settings) if isinstance(prompt, str) else Prepared("", tuple(prompt))
    ids, notes = ready.ids, (*ready.notes, *model.family.set_up(model, settings), *_without_effect(settings))
    if not ids:
        raise PromptError("the prompt is empty: give at least one token")
    size = model.vocabulary_size
    if not all(0 <= token_id < size for token_id in ids):
        raise PromptError(f"the prompt holds a token id outside the model's vocabulary of {size}")
    text = ready.text if isinstance(prompt, str) else str(model.tokenizer.decode(list(ids)))
    if model.positions is None:
        return Prepared(text, ids, notes)
    left = model.positions - len(ids)
    if left < 0:
        raise PromptError(
            f"the prompt is {len(ids)} tokens long and the model takes {model.positions}: shorten it by {-left}"
        )
    if settings.max_new_tokens <= left:
        return Prepared(text, ids, notes)
    note = Note(
        "info",
        "length-clipped",
        f"The model takes {model.positions} tokens and the prompt has {len(ids)}, so at most {left} new ones fit.",
    )
    return Prepared(text, ids, (*notes, note))


def _without_effect(settings: Settings) -> tuple[Note, ...]:
    names = [parameter.name for parameter in settings.without_effect()]
    text = f"No effect under strategy {settings.strategy}: {', '.join(names)}."
    return (Note("info", "no-effect", text),) if names else ()


def _free(model: LoadedModel) -> None:
    """Let go of the cache, so that what comes next finds room."""
    model.runner.reset()
    gc.collect()
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
