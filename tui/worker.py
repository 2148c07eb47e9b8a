"""The worker thread: loads models and iterates `generate()`, so that neither it nor the screen waits for the other.

Jobs go in by a queue; what happens comes out by a deque that the screen drains at its own pace. Each event is written
to the transcript before it is put out, so whatever was shown is in the file.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING

from engine.controls import Controls
from engine.errors import TranscriptError, one_line
from engine.events import CacheShape, Event, Paused, Progress, Token
from engine.session.transcript import Transcript
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_STATS_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class LoadJob:
    """Load a model; the old one is let go of first."""

    name: str | None
    family: str = "auto"
    device: str = "auto"
    dtype: str = "auto"


@dataclass(frozen=True, slots=True)
class RunJob:
    """Generate. `prompt` is text, or ids where a run goes on; `shown_prompt` is its text for the record."""

    number: int
    prompt: str | Sequence[int]
    shown_prompt: str
    settings: Settings
    controls: Controls = field(default_factory=Controls)
    drawn: int = 0


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the screen says of a loaded model, and a way to count a text's tokens from any thread."""

    name: str
    family: str
    parameters: int
    device: str
    dtype: str
    positions: int | None
    weight_bytes: int
    count_tokens: Callable[[str], int]


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A model that could not be loaded; `error` is one line."""

    name: str | None
    error: str


@dataclass(frozen=True, slots=True)
class RunEvent:
    """An event of the run with this number."""

    run: int
    event: Event


@dataclass(frozen=True, slots=True)
class Stats:
    """Read-outs of a run under way: seconds to its first token, bytes in use, the KV cache."""

    run: int
    first_token_s: float | None
    memory_bytes: int
    cache: CacheShape | None


@dataclass(frozen=True, slots=True)
class RecordTrouble:
    """The transcript cannot be written; the session goes on in memory."""

    error: str


Output = Progress | ModelFacts | LoadFailed | RunEvent | Stats | RecordTrouble


class Worker:
    """One thread with the model in it. All methods are for the screen's thread and return at once."""

    def __init__(self, transcript: Transcript) -> None:
        self.outbox: deque[Output] = deque()
        self.transcript = transcript
        self._jobs: SimpleQueue[LoadJob | RunJob | None] = SimpleQueue()
        self._wake = threading.Event()
        self._current: Controls | None = None
        self._closing = False
        self._model: LoadedModel | None = None
        self._trouble_told = False
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, job: LoadJob | RunJob) -> None:
        """Queue a job."""
        self._jobs.put(job)

    def wake(self) -> None:
        """Tell a paused run that its controls have changed."""
        self._wake.set()

    def close(self, patience_s: float = 3.0) -> None:
        """End the run under way and the thread; waits for at most `patience_s` seconds."""
        self._closing = True
        if self._current is not None:
            self._current.stop()
        self._jobs.put(None)
        self._wake.set()
        self._thread.join(patience_s)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._closing:
                continue
            if isinstance(job, LoadJob):
                self._load(job)
            elif self._model is not None:
                self._run(job, self._model)
        self.transcript.close()

    def _load(self, job: LoadJob) -> None:
        self.outbox.append(Progress("starting torch"))
        try:
            from engine.models.load import load

            self._model = None
            model = load(
                job.name,
                family=job.family,
                device=job.device,
                dtype=job.dtype,
                progress=self.outbox.append,
            )
        except Exception as error:
            self.outbox.append(LoadFailed(job.name, one_line(error)))
            return
        self._model = model
        self.outbox.append(_facts(model))

    def _run(self, job: RunJob, model: LoadedModel) -> None:
        from engine.generation import generate
        from engine.models.placement import memory_used

        self._current = job.controls
        self._record(
            lambda: self.transcript.run(
                model=model.identity(),
                prompt=job.shown_prompt,
                settings=job.settings,
                **({"drawn": job.drawn} if job.drawn else {}),
            )
        )
        start = told = time.perf_counter()
        first: float | None = None
        held = False
        for event in generate(model, job.prompt, job.settings, job.controls, drawn=job.drawn):
            now = time.perf_counter()
            if isinstance(event, Token) and first is None:
                first = now - start
            if isinstance(event, Paused):
                if not held:
                    self._record(lambda at=event.at: self.transcript.write("pause", at=at))  # type: ignore[misc]
                    self.outbox.append(RunEvent(job.number, event))
                held = True
                self._wake.wait()
                self._wake.clear()
                continue
            held = False
            self._record(lambda event=event: self.transcript.event(event))  # type: ignore[misc]
            self.outbox.append(RunEvent(job.number, event))
            if now - told >= _STATS_EVERY_S or told == start:
                told = now
                self.outbox.append(Stats(job.number, first, memory_used(model.device), model.runner.cache_shape()))
        self.outbox.append(Stats(job.number, first, memory_used(model.device), model.runner.cache_shape()))
        self._current = None

    def _record(self, write: Callable[[], None]) -> None:
        try:
            write()
        except TranscriptError as error:
            if not self._trouble_told:
                self.outbox.append(RecordTrouble(one_line(error)))
            self._trouble_told = True


def _facts(model: LoadedModel) -> ModelFacts:
    import copy

    # A tokenizer of its own: the library's are not made to be used by two threads at once.
    tokenizer = copy.deepcopy(model.tokenizer)
    return ModelFacts(
        name=model.name,
        family=model.family.name,
        parameters=model.parameters,
        device=str(model.device),
        dtype=model.dtype,
        positions=model.positions,
        weight_bytes=model.weight_bytes,
        count_tokens=lambda text: len(tokenizer.encode(text)),
    )
