"""The worker thread: loads models and iterates `generate()`, so that neither it nor the screen waits for the other.

Jobs go in by a queue; what happens comes out by a deque that the screen drains at its own pace. Each event is written
to the transcript before it is put out, so whatever was shown is in the file.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from engine.controls import Controls
from engine.errors import EngineError, TranscriptError, one_line
from engine.events import Failed, Finished, Paused, Prepared, Token
from engine.outputs import unseen
from engine.session.recovery import has_ended
from engine.session.transcript import Transcript
from engine.settings.adapters import names as adapter_names
from tui.asking import AskJob, answered
from tui.clock import Clock
from tui.comparing import CompareJob, compare
from tui.jobs import (
    EffectJob,
    EffectSeen,
    Job,
    LoadJob,
    LookJob,
    LookSeen,
    MeasureJob,
    Output,
    RecordJob,
    RecordTo,
    RecordTrouble,
    RunEvent,
    RunJob,
    Stats,
)
from tui.loading import Loader
from tui.measures import Measuring, Passage
from tui.pace import Pace
from tui.verifying import Verified, VerifyJob, verified

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_ASKED_FOR = (AskJob, CompareJob, LoadJob, RecordTo, RunJob, VerifyJob)
"""Jobs that a person asks for and waits for; the others the screen asks by itself."""


class Worker:
    """One thread with the model in it. All methods are for the screen's thread and return at once."""

    def __init__(self, transcript: Transcript, pace: Pace | None = None) -> None:
        self.outbox: deque[Output] = deque()
        self.transcript = transcript
        self.pace = pace or Pace()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._asked_for: deque[Job] = deque()
        self._wake = threading.Event()
        self._current: Controls | None = None
        self._closing = False
        self._loader = Loader(self.outbox.append, lambda: self._closing)
        self._fresh = True
        self._wanted: LookJob | None = None
        self._measuring = Measuring()
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue a job."""
        if isinstance(job, _ASKED_FOR):
            self._asked_for.append(job)
        self._jobs.put(job)

    def look(self, job: LookJob) -> None:
        """Look as soon as may be, also while a run is held or between two of its tokens; only the newest counts."""
        self._wanted = job
        self._jobs.put(job)
        self._wake.set()

    def measure(self, passages: Sequence[Passage]) -> None:
        """Measure these tokens where nothing else is to be done, also while a run is held; in place of any others."""
        self._measuring.want(passages)
        self._jobs.put(MeasureJob())
        self._wake.set()

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
        if self._thread.is_alive():  # it is not before the first frame
            self._thread.join(patience_s)

    @property
    def _model(self) -> LoadedModel | None:
        return self._loader.model

    @property
    def busy(self) -> bool:
        """Whether the thread has outlived `close`: a load cannot be interrupted."""
        return self._thread.is_alive()

    def _work(self) -> None:
        waiting: RunJob | None = None
        while (job := self._jobs.get()) is not None:
            if isinstance(job, _ASKED_FOR):
                self._asked_for.popleft()
            if isinstance(job, RecordJob):
                self._record(lambda job=job: self.transcript.write(job.event, **job.fields))  # type: ignore[misc]
                continue
            if isinstance(job, RecordTo):
                self._record_to(job)
                continue
            if self._closing:
                continue
            if isinstance(job, EffectJob):
                self._tell_effect(job)
                continue
            if isinstance(job, LookJob):
                self._look()
                continue
            if isinstance(job, AskJob):
                self.outbox.append(answered(job, self._model, self.outbox.append, lambda: self._closing))
                continue
            if isinstance(job, VerifyJob):
                self._verify(job)
                continue
            if isinstance(job, CompareJob):
                compare(job, self._model, self._run, self.outbox.append, lambda: self._closing)
                continue
            if isinstance(job, MeasureJob):
                self._measure(lambda: not self._jobs.empty())
                if self._measuring.unfinished and self._model is not None:
                    self._jobs.put(job)  # after what has come in between
                continue
            if isinstance(job, LoadJob):
                self._fresh = self._loader.load(job) or self._fresh
            else:
                waiting = job
            if waiting is not None and self._model is not None:  # else it waits for a model that can be loaded
                job, waiting = waiting, None
                self._run(job, self._model)
        self.end_record()

    def end_record(self) -> None:
        """Say that the session was left as it should be, where there is a record of it that does not say so."""
        with suppress(OSError):
            if self.transcript.written and not has_ended(self.transcript.path):
                self._record(lambda: self.transcript.write("end"))
        self.transcript.close()

    def _record_to(self, job: RecordTo) -> None:
        self.end_record()
        self.transcript = job.transcript
        if self.transcript.path.exists():
            self._record(self.transcript.open)  # so that nobody else takes it
        if self._model is not None:
            self._model.runner.reset()
        self._fresh = True

    def _verify(self, job: VerifyJob) -> None:
        if self._model is None:
            self.outbox.append(Verified("error", ("There is no model yet to run the record again with.",)))
            return
        try:
            self.outbox.extend(verified(job, self._model, lambda: self._closing or bool(self._asked_for)))
        except Exception as error:  # a record can ask for anything
            self.outbox.append(Verified("error", (one_line(error),)))

    def _look(self) -> None:
        """Answer the newest wish to look, if there is one that has not been answered."""
        job, self._wanted = self._wanted, None
        if job is None or self._model is None:
            return
        from engine.looking import look

        try:
            weighing = look(self._model, job.prompt, job.written, job.settings, chosen=job.chosen, form_at=job.form_at)
            self.outbox.append(LookSeen(job.number, weighing))
        except (EngineError, RuntimeError) as error:
            self.outbox.append(LookSeen(job.number, None, one_line(error)))

    def _measure(self, wanted: Callable[[], bool]) -> None:
        """Measure until all is done, or the thread is `wanted` for something else."""
        if self._model is not None:
            for told in self._measuring.tell(self._model, lambda: self._closing or wanted()):
                self.outbox.append(told)

    def _tell_effect(self, job: EffectJob) -> None:
        if self._model is None or not self._jobs.empty():  # whoever asked may have gone on by now
            return
        from engine.inspection import effect
        from engine.sampling.stages import SHAPING

        if job.name in SHAPING:
            with suppress(EngineError, RuntimeError):  # a prompt that cannot be run says why when it is
                self.outbox.append(EffectSeen(effect(self._model, job.prompt, job.settings, job.name)))

    def _run(self, job: RunJob, model: LoadedModel, tell: Callable[[Output], None] | None = None) -> None:
        self._current, tell = job.controls, tell or self.outbox.append
        try:
            self._generate(job, model, tell)
        except Exception as error:  # the thread outlives whatever happens in a run
            tell(RunEvent(job.number, Failed(one_line(error))))
        self._current = None

    def _generate(self, job: RunJob, model: LoadedModel, tell: Callable[[Output], None]) -> None:
        from engine.generation import generate
        from engine.models.placement import memory_used

        aside = job.how == "compare"
        more: dict[str, Any] = {"how": job.how, "fresh": aside or self._fresh}
        more |= {"drawn": job.drawn} if job.drawn else {}
        more |= {"sequence": job.sequence} if job.sequence is not None else {}
        more |= {"at": job.at} if job.at is not None else {}
        self._fresh = self._fresh and aside
        more["model"] = model.identity(adapter_names(job.settings.adapters))
        self._record(lambda: self.transcript.run(prompt=job.shown_prompt, settings=job.settings, **more))
        clock = Clock()
        text = job.shown_prompt
        rested, held_at = -1, 0
        settings, unshown = unseen(job.settings)
        for event in generate(model, job.prompt, settings, job.controls, drawn=job.drawn, text=text):
            if isinstance(event, Prepared):
                event = replace(event, notes=(*event.notes, *unshown))
            if isinstance(event, Paused):
                self._hold(job, event, clock)
                held_at = event.at
                continue
            if self._wanted is not None:
                self._look()
            if clock.held:
                self._record(lambda at=held_at: self.transcript.write("resume", at=at))  # type: ignore[misc]
            clock.hear(event)
            self._record(lambda event=event: self.transcript.event(event))  # type: ignore[misc]
            tell(RunEvent(job.number, event))
            if clock.is_time() or isinstance(event, Finished | Failed):
                cache, memory = model.runner.cache_shape(), memory_used(model.device)
                tell(Stats(job.number, clock.first_token_s, clock.tokens_per_s(), memory, cache))
            if isinstance(event, Token) and event.index > rested and not aside:  # once for all sequences
                rested = event.index
                self._rest(job.controls, self.pace.rest(event.text, time.monotonic()))

    def _rest(self, controls: Controls, seconds: float) -> None:
        """Keep to the reading pace; a stop, a hold and the end of the pace end the rest."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self.pace.words_a_minute:
            if controls.stopped or controls.paused or self._closing:
                return
            self._wake.wait(left)
            self._wake.clear()

    def _hold(self, job: RunJob, event: Paused, clock: Clock) -> None:
        """Wait for the controls to change; a hold is told and written once, however often it is looked at."""
        if not clock.held:
            self._record(lambda: self.transcript.write("pause", at=event.at))
            self.outbox.append(RunEvent(job.number, event))
        clock.hold()
        self._wake.wait()
        self._wake.clear()
        self._look()
        self._measure(self._wake.is_set)
        clock.go_on()

    def _record(self, write: Callable[[], None]) -> None:
        before = self.transcript.trouble
        try:
            write()
        except TranscriptError as error:  # told once, as long as it lasts
            self.outbox.append(RecordTrouble(one_line(error)))
        else:
            if before and not self.transcript.trouble:
                self.outbox.append(RecordTrouble(""))
