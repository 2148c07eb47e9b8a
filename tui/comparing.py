"""Runs beside the text: what the worker is asked, and how it goes about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import one_line
from engine.events import Event, Failed, Progress

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel
    from tui.jobs import RunJob


@dataclass(eq=False)
class CompareJob:
    """Run these one after the other, model by model; `models` are their names (None: the one that is there).

    Another model is loaded for them on this `device` in this `dtype`, and let go of after. `hear` gets what comes of
    them, in the screen's thread.
    """

    runs: Sequence[RunJob]
    models: Sequence[str | None]
    device: str
    dtype: str
    hear: Callable[[Compared], None]

    def stop(self) -> None:
        """End the run under way before its next token, and begin no other."""
        for run in self.runs:
            run.controls.stop()


@dataclass(frozen=True, slots=True)
class Compared:
    """An event of the run at a place among those that are compared, how far its model has been loaded; or, without
    one, that all is over.
    """

    job: CompareJob
    place: int = 0
    event: Event | Progress | None = None


Run = Callable[["RunJob", "LoadedModel", Callable[[Any], None]], None]


def compare(
    job: CompareJob, own: LoadedModel | None, run: Run, tell: Callable[[Compared], None], closing: Callable[[], bool]
) -> None:
    """Run all of them on runners of their own, so that the next run of the session finds its cache as it left it.

    Each begins with empty caches: what another left there would round differently.
    """

    def told(place: int, item: Any) -> None:
        if hasattr(item, "event"):  # the read-outs are for the session's own runs
            tell(Compared(job, place, item.event))

    for name in dict.fromkeys(job.models):
        places = [place for place, model in enumerate(job.models) if model == name]
        if _over(job, places, closing):
            continue
        try:
            model = _model(job, name, own, lambda progress, at=places[0]: tell(Compared(job, at, progress)))  # type: ignore[misc]
        except Exception as error:  # whatever a file makes the libraries raise
            for place in places:
                tell(Compared(job, place, Failed(one_line(error))))
            continue
        for place in places:
            if not _over(job, [place], closing):
                _forget(model)
                run(job.runs[place], model, lambda item, place=place: told(place, item))  # type: ignore[misc]
        del model
        _give_back()
    tell(Compared(job))


def _over(job: CompareJob, places: Sequence[int], closing: Callable[[], bool]) -> bool:
    return closing() or all(job.runs[place].controls.stopped for place in places)


def _model(
    job: CompareJob, name: str | None, own: LoadedModel | None, progress: Callable[[Progress], None]
) -> LoadedModel:
    if own is not None and name in (None, own.name):
        return own.apart()
    from engine.models.load import load

    return load(name, device=job.device, dtype=job.dtype, progress=progress)


def _forget(model: LoadedModel) -> None:
    for name in vars(model).keys() & {"runner", "second_runner"}:
        getattr(model, name).reset()


def _give_back() -> None:
    from engine.models.placement import give_back  # here, since it brings torch

    give_back()
