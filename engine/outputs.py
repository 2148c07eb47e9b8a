"""The tensors of a run, for programs that asked for them, and the way a model attends while it gives them away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from engine.events import Note, Tensors
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel
    from engine.runner import Runner

NAMES = ("output_scores", "output_logits", "output_attentions", "output_hidden_states")


def asked(settings: Settings) -> tuple[str, ...]:
    """The tensors that these settings ask for, by the settings' names."""
    return tuple(name for name in NAMES if getattr(settings, name))


@contextmanager
def watched(model: LoadedModel, runner: Runner, settings: Settings) -> Iterator[None]:
    """Inside, the runner keeps what each pass gives beside its logits, where that is asked for."""
    hidden, attentions = settings.output_hidden_states, settings.output_attentions
    if not hidden and not attentions:
        yield
        return
    with _plainly(model) if attentions else nullcontext(), runner.watched(hidden=hidden, attentions=attentions):
        yield


def unseen(settings: Settings) -> tuple[Settings, tuple[Note, ...]]:
    """For where no program reads the events: the settings without the tensors, and a note that says so."""
    names = asked(settings) + (("return_dict_in_generate",) if settings.return_dict_in_generate else ())
    if not names:
        return settings, ()
    text = f"No effect here: {', '.join(names)}; only programs and --json get what they ask for."
    return settings.changed(**dict.fromkeys(names, False)), (Note("info", "outputs-unseen", text),)


def as_json(tensors: Tensors) -> dict[str, Any]:
    """The tensors as lists of numbers; null stands for what is no number, as JSON has none for it."""
    fields = ("scores", "logits", "attentions", "hidden_states")
    given = {name: value for name in fields if (value := getattr(tensors, name)) is not None}
    lists = {name: _lists(value) for name, value in given.items()}
    return {"index": tensors.index, "sequences": list(tensors.sequences), **lists}


@contextmanager
def _plainly(model: LoadedModel) -> Iterator[None]:
    """Fused kernels never have the attentions as a whole, so that the model attends by plain products for a while."""
    before = model.model.config._attn_implementation
    if before == "eager":
        yield
        return
    model.model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.model.set_attn_implementation(before)


def _lists(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_lists(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _lists(value.float().tolist())
