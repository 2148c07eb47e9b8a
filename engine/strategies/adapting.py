"""The adapters that a run's model wears, step by step, and what there is to say of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.events import Adapted, Event, Note, Noted
from engine.settings import Settings
from engine.settings.adapters import names

if TYPE_CHECKING:
    from engine.models.adapters import Mix
    from engine.models.loaded import LoadedModel
    from engine.runner import Runner


class Adapting:
    """A change that cannot be had is told and left: the run goes on with what it has."""

    def __init__(self, model: LoadedModel, runner: Runner, settings: Settings) -> None:
        self._model, self._runner = model, runner
        self._told = ""
        self._refused: str | None = None
        self._why = ""
        self._begun_with = settings.adapters

    def obeyed(self, before: Settings, wanted: Settings) -> Settings:
        """The settings of the step, with the adapters that could be put on; the runner wears them."""
        if wanted.adapters == before.adapters:
            self._refused = None
            return wanted
        if wanted.adapters != self._refused:  # else it has been told
            try:
                self._runner.adapt(self._model.mix(wanted.adapters))
            except EngineError as error:
                self._refused, self._why = wanted.adapters, str(error)
            else:
                self._refused = None
                return wanted
        return wanted.changed(adapters=before.adapters)

    def told(self, index: int, settings: Settings) -> Iterator[Event]:
        """What came of it before the new token `index`, where that is news."""
        if self._why:
            kept = settings.adapters or "none"
            yield Noted(Note("warning", "adapters-refused", f"{self._why}; the run goes on with adapters {kept}"))
            self._why = ""
        if settings.adapters == self._told:
            return
        self._told = settings.adapters
        mix = self._runner.adapters
        assert mix is not None
        if index or settings.adapters != self._begun_with:
            yield Adapted(index, tuple(self._model.adapters.identities(names(settings.adapters))))
        yield Noted(Note("info", "adapters", _said(mix)))
        for adapter, _ in mix.named:
            if not _is_for(adapter.base, self._model):
                text = f"Adapter {adapter.files.name} fits this model, and says that it was made for {adapter.base}."
                yield Noted(Note("warning", "adapter-base", text))


def _said(mix: Mix) -> str:
    if not mix.active:
        return "No adapters: the model's own weights."
    told = [f"{adapter.files.name} at {scale:g} (rank {adapter.rank})" for adapter, scale in mix.active]
    return f"Adapters: {', '.join(told)}."


def _is_for(base: str, model: LoadedModel) -> bool:
    """Whether the model that an adapter names may be this one: what it is called where it was trained is a hint."""
    own = (model.name, model.source, str(getattr(model.model.config, "_name_or_path", "")))
    return not base or _last(base) in map(_last, own)


def _last(place: str) -> str:
    return place.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
