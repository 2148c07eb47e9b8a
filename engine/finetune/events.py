"""What a fine-tuning run tells: frozen events, and each as a line of JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from engine.events import Progress

Curve = tuple[tuple[int, float], ...]
"""(step, loss in nats a token), in order."""


@dataclass(frozen=True, slots=True)
class Started:
    """All is read and chosen; training begins, or goes on after `step` steps of earlier sittings.

    `blocks` are those that are learned from, `held_out` those that are not. `folder` is where the unfinished run lies.
    """

    folder: str
    model: str
    text: str
    parameters: int
    trainable: int
    tokens: int
    blocks: int
    held_out: int
    step: int
    steps: int
    base_loss: float
    """Of the held-out blocks before any training."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    losses: Curve = ()
    """What earlier sittings told: the training losses, and the held-out ones."""
    held_out_losses: Curve = ()


@dataclass(frozen=True, slots=True)
class Step:
    """So many steps are done. `loss` is the mean since the last report; the speed leaves out what is done between."""

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    tokens_per_s: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The held-out blocks were read; `best` says that no step before did better, and that this one is kept."""

    step: int
    held_out_loss: float
    perplexity: float
    best: bool


@dataclass(frozen=True, slots=True)
class Sampled:
    """How the model goes on from `prompt` by now."""

    step: int
    prompt: str
    text: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A run that ends now, however it ends, goes on from this step."""

    step: int
    folder: str


@dataclass(frozen=True, slots=True)
class Compared:
    """How the base and the tuned model go on from `prompt`, with the same seed."""

    prompt: str
    base: str
    tuned: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a run that came to something: the model of step `step`, the best, is in `folder`.

    `done` of `steps` steps were made; `why` says why it was not all of them, or what else is to be known.
    """

    folder: str
    adapter: bool
    model: str
    step: int
    done: int
    steps: int
    base_loss: float
    held_out_loss: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """The last event of a run that was left, to be gone on with: its place, and the steps that are kept."""

    folder: str
    step: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a run that came to nothing: why, in one line. `folder` is where it can be gone on with."""

    error: str
    folder: str = ""


Event = Progress | Started | Step | Evaluated | Sampled | Saved | Compared | Finished | Left | Failed
ENDS = (Finished, Left, Failed)

_KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind
    for kind in (Progress, Started, Step, Evaluated, Sampled, Saved, Compared, Finished, Left, Failed)
}


def to_line(event: Event) -> str:
    """The event as one JSON object; numbers that are none (a loss that diverged) are null."""
    plain = {"event": type(event).__name__.lower(), **_finite(asdict(event))}
    return json.dumps(plain, ensure_ascii=False)


def from_line(line: str) -> Event | None:
    """The event of a line, None for one of a kind that is not known. Raises `ValueError` for a line that is none."""
    try:
        plain = json.loads(line)
        kind = _KINDS.get(plain.pop("event"))
        if kind is None:
            return None
        names = {field.name for field in fields(kind)}
        event: Event = kind(**{name: _frozen(value) for name, value in plain.items() if name in names})
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("no event") from error
    return event


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return float("nan") if value is None else value
