"""Loading for the worker: one model after another, and the memory of the one before let go of."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from engine.errors import Cancelled, one_line
from engine.events import Progress
from tui.jobs import LoadFailed, LoadJob, ModelFacts, Output
from tui.token_reader import TokenReader

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_BESIDE = 2
"""Times its weights that a model must have free, to be loaded beside another: while it is read, and for its texts."""


class Loader:
    """Holds the one model of the session. All of it is for the worker's thread."""

    def __init__(self, tell: Callable[[Output], None], closing: Callable[[], bool]) -> None:
        self.model: LoadedModel | None = None
        self._job: LoadJob | None = None
        self._tell, self._closing = tell, closing

    def load(self, job: LoadJob) -> bool:
        """Load in the place of what is there; False where that failed or was called off.

        What is there goes first, unless both surely have room: then it stays until the other is ready, or has failed.
        """
        self._tell(Progress("starting torch"))
        try:
            import_module("engine.generation")  # so that the first run does not wait for it
            from engine.models.load import load

            if self.model is not None and not self._has_room_beside(job):
                self._let_go()
            model = load(
                job.name,
                family=job.family,
                device=job.device,
                dtype=job.dtype,
                progress=lambda progress: self._report(job, progress),
            )
        except Exception as error:
            called_off = isinstance(error, Cancelled)
            self._tell(LoadFailed(job, one_line(error), called_off=called_off, stays=self.model is not None))
            if self.model is not None:
                self._tell(facts(self.model, self._job))
            return False
        self._let_go()
        self.model, self._job = model, job
        self._tell(facts(model, job))
        return True

    def _report(self, job: LoadJob, progress: Progress) -> None:
        if job.called_off.is_set() or self._closing():
            raise Cancelled
        self._tell(progress)

    def _has_room_beside(self, job: LoadJob) -> bool:
        """Whether a model surely has room while the one that is there stays; one of the hub is fetched first."""
        from engine.models.catalogue import details, entry_of
        from engine.models.estimate import estimate
        from engine.models.hub import fetch
        from engine.models.placement import memory_free
        from engine.models.spread import pick_place

        name, place = job.name or "", pick_place(job.device).device
        entry = entry_of(name)
        if entry.path is None:
            fetch(name, lambda progress: self._report(job, progress))
            entry = entry_of(name)
        free = memory_free(place)
        needed = estimate(details(entry), job.dtype, device=str(place), free_bytes=free).weights_bytes
        return free is not None and _BESIDE * needed < free

    def _let_go(self) -> None:
        """The weights and all that was computed with them; what the screen knows of a model holds none of that."""
        if self.model is None:
            return
        from engine.models.placement import give_back

        self.model = None
        give_back()


def facts(model: LoadedModel, job: LoadJob | None = None) -> ModelFacts:
    """What the screen is to know of a model, and what loads it again."""
    reader = TokenReader(model)
    return ModelFacts(
        name=model.name,
        family=model.family.name,
        parameters=model.parameters,
        device=model.place,
        dtype=model.dtype,
        positions=model.positions,
        weight_bytes=model.weight_bytes,
        count_tokens=reader.count,
        identity=model.identity(),
        choices=model.family.choices(model),
        reader=reader,
        vocabulary_size=model.vocabulary_size,
        job=job,
    )
