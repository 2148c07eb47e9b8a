"""From a prompt to events: the one caller of strategies."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from transformers import LogitsProcessor, StoppingCriteria

from engine import chat, guiding, healing, outputs, remembering, window
from engine.controls import Controls
from engine.errors import EngineError, PromptError, one_line
from engine.events import Begun, Event, Failed, Note, Noted, Prepared
from engine.families.causal_lm import start_token
from engine.models.loaded import LoadedModel
from engine.models.placement import give_back, is_out_of_memory
from engine.sampling import RandomStreams, Sampler
from engine.sampling.allowed import AllowedTokens
from engine.sampling.stages import Context
from engine.settings import Settings
from engine.strategies import STRATEGIES, Run
from engine.strategies.run import Growing
from engine.strategies.sight import Sight

_LOG = logging.getLogger(__name__)


def generate(
    model: LoadedModel,
    prompt: str | Sequence[int] | Prepared | Begun,
    settings: Settings | None = None,
    controls: Controls | None = None,
    *,
    drawn: int = 0,
    text: str | None = None,
    logits_processor: Sequence[LogitsProcessor] = (),
    stopping_criteria: Sequence[StoppingCriteria] = (),
    prefix_allowed_tokens_fn: Callable[[int, torch.Tensor], list[int]] | None = None,
) -> Iterator[Event]:
    """Generate, telling everything that happens as it happens; the last event is `Finished` or `Failed`.

    `prompt` is text, which the model's family prepares, or token ids, which are taken as they are, or what was prepared
    before, or text with what follows it already. `controls` may be changed at any time, also from another thread: the
    next token obeys. `drawn` passes over that many draws of the random streams, for a run that goes on where one with
    the same seed stopped. `text` is what the ids of a prompt stand for, where it is known.

    The last three are the library's, for a caller's own rules under every strategy: processors act after the built-in
    ones and before the warpers, a criterion that says yes to a row (1, length) ends it with reason `stop`, and the
    function gives the ids that may follow a row (length,), whose batch is 0.

    Nothing is computed before the first event is asked for, and nothing while none is.
    """
    settings, controls = settings or Settings(), controls or Controls()
    run: Run | None = None
    try:
        controls.begin(settings)
        ready = prepared(model, prompt, settings, text)
        yield ready
        custom = [*logits_processor]
        if prefix_allowed_tokens_fn is not None:
            custom.insert(0, AllowedTokens(prefix_allowed_tokens_fn))
        run = _run(model, ready, settings, controls, drawn, custom, stopping_criteria)
        if settings.chat:
            run.sight.read_as(prompt)
        with outputs.watched(model, run.runner, settings):
            yield from STRATEGIES[settings.strategy](run)
        yield from _unfinished(run)
        yield from run.end()
    except Exception as error:  # a model is foreign code: whatever it raises ends this run and nothing else
        if not isinstance(error, EngineError):
            _LOG.debug("a run failed", exc_info=True)
            _free(model)
        no_room = f"no room left on {model.device}: try a shorter prompt, fewer sequences or half precision"
        reason = no_room if is_out_of_memory(error) else one_line(error)
        yield Failed(reason, run.finished().sequences if run else ())


def _run(
    model: LoadedModel,
    ready: Prepared,
    settings: Settings,
    controls: Controls,
    drawn: int,
    custom: Sequence[LogitsProcessor],
    stopping: Sequence[StoppingCriteria],
) -> Run:
    ids = ready.ids
    context = replace(Context.of(model, ready, settings), custom=tuple(custom))
    surplus = ready.tail.surplus if ready.tail else 0
    return Run(
        model=model,
        sampler=Sampler(settings, context, RandomStreams(settings.seed, drawn=drawn)),
        controls=controls,
        settings=settings,
        prompt_ids=list(ids),
        stopping=tuple(stopping),
        sequences=[
            Growing(number, healing.detokenizer(model, ready)) for number in range(settings.num_return_sequences)
        ],
        sight=Sight(model, ids, ready.text[: len(ready.text) - surplus], surplus),
    )


def _unfinished(run: Run) -> Iterator[Event]:
    """Tells of texts that a limit cut off before they had the form that was asked for, or within a word."""
    for growing in run.sequences:
        if not growing.ids or growing.reason not in ("length", "time"):
            continue
        ids = [*run.prompt_ids, *growing.ids]
        if not all(form.is_accepting(ids) for form in run.sampler.context.forms):
            text = f"Sequence {growing.number + 1} was cut off before it had its form: give it more length."
            yield Noted(Note("warning", "form-unfinished", text))
        yield from run.filter_notes.unfinished(ids, growing.number)


def prepared(
    model: LoadedModel, prompt: str | Sequence[int] | Prepared | Begun, settings: Settings, text: str | None = None
) -> Prepared:
    """The prompt's ids, checked against the model's positions and vocabulary; a note where the length is clipped.

    What has been prepared before, as a record has it, is checked and stays as it is.
    """
    own, tail = None, None
    match prompt:
        case Prepared():
            text, tail, ready = prompt.text, prompt.tail, Prepared("", prompt.ids)
        case str() | Begun():
            begun = Begun(prompt) if isinstance(prompt, str) else prompt
            check_text(begun.prompt + begun.text)
            ready, own = chat.prepare(model, begun, settings)
            text = ready.text
        case _:
            ready = Prepared("", tuple(prompt))
    ids, notes = ready.ids, (*ready.notes, *model.family.set_up(model, settings), *_without_effect(settings))
    notes = (*notes, *chat.notes(model, settings), *guiding.notes(settings), *remembering.notes(model, settings))
    ids = ids or (start_token(model, settings),)
    size = model.vocabulary_size
    if not all(0 <= token_id < size for token_id in ids):
        raise PromptError(f"the prompt holds a token id outside the model's vocabulary of {size}")
    if text is None:
        text = str(model.tokenizer.decode(list(ids)))
    whole = Prepared(text, ids, (*notes, *window.notes(settings, model.positions, len(ids))))
    return replace(whole, tail=tail) if tail else healing.healed(model, own, whole, settings)


def check_text(text: str) -> None:
    """Raises `PromptError` where a text is none: a tokenizer would fail, or take it for something else."""
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise PromptError("the prompt holds bytes that are no text (they were not valid UTF-8): type it anew")


def _without_effect(settings: Settings) -> tuple[Note, ...]:
    found = settings.without_effect()
    quiet = [parameter.name for parameter in found if not parameter.inert]
    inert = [parameter.name for parameter in found if parameter.inert]
    told = [(quiet, f"under strategy {settings.strategy}"), (inert, "here")]
    return tuple(Note("info", "no-effect", f"No effect {where}: {', '.join(names)}.") for names, where in told if names)


def _free(model: LoadedModel) -> None:
    """Let go of the cache, so that what comes next finds room."""
    for held in (model, vars(model).get("looking", model)):
        for name in vars(held).keys() & {"runner", "second_runner"}:
            getattr(held, name).reset()
    give_back()
