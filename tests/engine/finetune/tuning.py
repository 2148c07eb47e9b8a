"""A tiny model and a little text to tune it on, made on the spot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from engine.finetune.events import Event, Finished, Started
from engine.finetune.job import Job
from engine.finetune.loop import finetune

TEXT = "".join(
    f"The old keeper told the children of the river, {number} times, that the other river was near.\n"
    for number in range(60)
)
OF_ITS_KIND = "The old keeper told the children of the river, 70 times, that the other river was near.\n"
"""A sentence that does not stand in the text, and could."""

Kind = TypeVar("Kind")


def job(base: Path, text: Path, out: Path, **changes: Any) -> Job:
    """A job of a few quick steps."""
    settings: dict[str, Any] = {"batch_size": 2, "block_size": 32, "steps": 12, "learning_rate": 5e-3, "device": "cpu"}
    return Job(text, str(base), out=out, **(settings | changes))


def tuned(job: Job) -> list[Event]:
    """All events of a run that must come to a good end."""
    events = list(finetune(job))
    assert isinstance(events[-1], Finished), events[-1]
    return events


def of(kind: type[Kind], events: Iterable[object]) -> list[Kind]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def started(events: Iterable[Event]) -> Started:
    [found] = of(Started, events)
    return found
