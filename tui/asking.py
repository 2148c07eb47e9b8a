"""What a screen asks of the model aside from any run: the question, its progress, its answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import Cancelled, one_line

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

Report = Callable[[int, int], None]
_TOLD_EVERY_S = 0.1


@dataclass(eq=False)
class AskJob:
    """A question. `ask` gets the model, in its thread, and a report (done, total), which ends it where it is cancelled.

    `then` gets the answer and `told` the progress, both in the screen's thread, unless it was cancelled.
    """

    ask: Callable[[LoadedModel, Report], Any]
    then: Callable[[Asked], None]
    told: Report = lambda done, total: None
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question: its `answer`, or one line that says why there is none."""

    job: AskJob
    answer: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """How far an answer has come."""

    job: AskJob
    done: int
    total: int


def answered(
    job: AskJob, model: LoadedModel | None, tell: Callable[[Asking], None], closing: Callable[[], bool]
) -> Asked:
    """Ask, and catch whatever comes of it: the thread outlives it."""
    if model is None:
        return Asked(job, error="there is no model to ask")
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if job.cancelled.is_set() or closing():
            raise Cancelled
        if (now := time.monotonic()) - last > _TOLD_EVERY_S:
            last = now
            tell(Asking(job, done, total))

    try:
        report(0, 0)
        return Asked(job, job.ask(model, report))
    except Exception as error:
        return Asked(job, error=one_line(error))
