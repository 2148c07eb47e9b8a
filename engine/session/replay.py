"""Running a record again, run by run in its order, and comparing token by token.

The runs go through runners of their own that begin as those of the session did, so that what a run found in the cache,
and with it every rounding, is the same. The prompt is taken as its recorded ids; changes and the end by hand come at
the tokens at which they came then; the clock decides nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from engine.controls import Controls
from engine.errors import EngineError, shown
from engine.events import Event, Failed, Finished, Prefilled, Token
from engine.generation import generate
from engine.models.loaded import LoadedModel
from engine.session.record import Record, RecordedRun
from engine.session.verdict import Comparison, RunVerdict, environment
from engine.settings import PARAMETERS
from engine.strategies.assisted.choose import lend


class Models(Protocol):
    """Who is asked for a model before one is used: a record loads nothing by itself."""

    def model_for(self, run: RecordedRun) -> LoadedModel:
        """The model to run it again with. Raises `EngineError` where there is none."""

    def assistant(self, run: RecordedRun, name: str) -> LoadedModel:
        """The model that drafts under this name. Raises `EngineError` where there is none."""

    def adapter(self, run: RecordedRun, name: str) -> None:
        """Raises `EngineError` where the adapter of this name is not to be put on the run's model."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """An event of a run that is run again; `run` counts from 0 in the record."""

    run: int
    event: Event


def replay(record: Record, models: Models) -> Iterator[Replayed | RunVerdict]:
    """Run every recorded run again: its events as they come, then how it compares.

    It can be left at any moment. The models' own runners are not touched.
    """
    stage = _Stage(models)
    for run in record.runs:
        yield from _run_again(run, stage)


class OneModel:
    """The same model for every run, and for no assistant but itself."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model

    def model_for(self, run: RecordedRun) -> LoadedModel:
        return self._model

    def assistant(self, run: RecordedRun, name: str) -> LoadedModel:
        if name in (run.model.get("name"), run.model.get("source")):
            return self._model
        raise EngineError(f"it was drafted by another model, {name:.60}, which is not given")

    def adapter(self, run: RecordedRun, name: str) -> None:
        if not self._model.adapters.had(name):
            raise EngineError(f"it wore the adapter {shown(name)}, which this session has not put on so far")


class RecordedControls(Controls):
    """What was done to a run by hand, and what the clock said."""

    def __init__(self, run: RecordedRun) -> None:
        schedule: dict[int, dict[str, Any]] = {}
        for change in run.changes:
            if change.name in PARAMETERS:
                schedule.setdefault(change.at, {})[change.name] = change.new
        picks = {token.index: token.id for tokens in run.tokens.values() for token in tokens if token.picked}
        super().__init__(schedule=schedule, picks=picks)
        outcome, steps = run.outcome, run.steps
        reasons = {end.finish_reason for end in outcome.sequences} if isinstance(outcome, Finished) else {"cancelled"}
        self._last = steps - 1 if "time" in reasons else None
        end = run.stopped if run.stopped is not None else steps if "cancelled" in reasons else steps + 1
        self._end = min(end, steps + 1)  # beyond it there is nothing to compare

    def must_stop(self, index: int) -> bool:
        return self.stopped or index >= self._end

    def is_time_up(self, index: int, seconds: float, most: float | None) -> bool:
        return index == self._last


class _Stage:
    """The model that plays, with runners that begin where the session's did."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._given: LoadedModel | None = None
        self.model: LoadedModel | None = None

    def set_for(self, run: RecordedRun) -> LoadedModel:
        """The model for a run. Raises `EngineError`."""
        given = self._models.model_for(run)
        if run.aside:  # what stood beside the text, on caches of its own
            return given.apart()
        fresh = run.fresh
        if fresh is None:  # a record that does not say so
            fresh = run.prefilled is not None and run.prefilled.reused == 0
        if self.model is None or fresh or given is not self._given:
            self._given, self.model = given, given.apart()
        name = run.settings.assistant_model
        if run.settings.strategy == "assisted" and name and name not in self.model.drafting:
            lend(self.model, name, self._models.assistant(run, name))
        return self.model

    def allow(self, run: RecordedRun) -> None:
        """Raises `EngineError` where one of the adapters that a run names is not to be put on."""
        for name in run.adapters:
            self._models.adapter(run, name)

    def forget(self) -> None:
        """Empty caches, as they are after a failure."""
        if self.model is not None:
            self.model.runner.reset()
            self.model.second_runner.reset()


def _run_again(run: RecordedRun, stage: _Stage) -> Iterator[Replayed | RunVerdict]:
    comparison = Comparison(run)
    verdict = comparison.verdict
    if run.prepared is None:  # its prompt was not accepted, or the file ends before that
        yield verdict
        return
    try:
        stage.allow(run)
        model = stage.set_for(run)
    except EngineError as error:
        verdict.error = str(error)
        yield verdict
        return
    with _threads(run.model.get("threads")):
        recorded = run.model | {"adapters": run.adapter_files}
        verdict.environment = [*run.trouble, *environment(recorded, model.identity(run.adapters))]
        controls = RecordedControls(run)
        ready = run.prepared
        for event in generate(model, ready, run.settings, controls, drawn=run.drawn):
            yield Replayed(run.number, event)
            match event:
                case Prefilled():
                    then = run.prefilled.reused if run.prefilled else event.reused
                    verdict.reused = (then, event.reused) if then != event.reused else None
                case Token():
                    comparison.token(event)
                    if comparison.over:
                        controls.stop()
                case Finished() | Failed():
                    comparison.end(event)
                    if isinstance(run.outcome, Failed) and not isinstance(event, Failed):
                        stage.forget()  # what went wrong then was no fault of the run's own, and emptied the caches
    yield verdict


@contextmanager
def _threads(wanted: Any) -> Iterator[None]:
    """As many threads as then: sums that are shared out otherwise are rounded otherwise."""
    before = torch.get_num_threads()
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= 4 * (os.cpu_count() or 1):
        wanted = before
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)
