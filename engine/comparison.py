"""The same prompt and seed several times, under other settings or with other models, and where the texts part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import EngineError, one_line
from engine.events import Event, Failed, Finished, Note, Noted, Prepared
from engine.events import Sequence as Written
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True)
class Variant:
    """One of those that are compared: what it is called, its settings, its model's name (None: the default)."""

    name: str
    settings: Settings
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a variant: its sequences, or why it failed."""

    variant: Variant
    sequences: tuple[Written, ...] = ()
    notes: tuple[Note, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Parting:
    """Where a text leaves another that began alike: so many characters are the same, and so many tokens."""

    characters: int
    tokens: int | None


def outcomes(
    variants: Sequence[Variant], prompt: str, load: Callable[[str | None], LoadedModel]
) -> Iterator[tuple[int, Outcome]]:
    """(place, outcome) of each variant, model by model, so that no more than one is held at a time."""
    for name in dict.fromkeys(variant.model for variant in variants):
        model: LoadedModel | None = None
        failed = ""
        try:
            model = load(name)
        except EngineError as error:
            failed = one_line(error)
        for place, variant in enumerate(variants):
            if variant.model == name:
                yield place, Outcome(variant, error=failed) if model is None else ran(model, variant, prompt)


def ran(model: LoadedModel, variant: Variant, prompt: str) -> Outcome:
    """What a model that is there makes of a variant."""
    from engine.generation import generate

    notes: list[Note] = []
    end: Event | None = None
    model.runner.reset()  # what another variant left in the cache would round differently
    for end in generate(model, prompt, variant.settings):
        match end:
            case Prepared(_, _, told):
                notes += told
            case Noted(note):
                notes.append(note)
    match end:
        case Finished(sequences):
            return Outcome(variant, sequences, tuple(notes))
        case Failed(error):
            return Outcome(variant, notes=tuple(notes), error=error)
    return Outcome(variant, notes=tuple(notes), error="the run ended without a result")


def parting(one: Written, other: Written, *, same_model: bool) -> Parting | None:
    """Where `other` leaves `one`; None where they do not part. Tokens are of one vocabulary under one model alone."""
    if one.text == other.text and (one.token_ids == other.token_ids or not same_model):
        return None
    tokens = _shared(one.token_ids, other.token_ids) if same_model else None
    return Parting(_shared(one.text, other.text), tokens)


def _shared(one: Sequence[object], other: Sequence[object]) -> int:
    """How long the beginning is that both have."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
