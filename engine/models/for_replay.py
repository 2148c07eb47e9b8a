"""The models and adapters that a replay may use: the model that is given, the embedded one, others only with leave.

A record is a file from anywhere: what it names is loaded, or looked for, only where the user says so, and nothing is
fetched.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import LoadError, shown
from engine.families import FAMILIES
from engine.models.dtypes import DTYPES
from engine.models.hub_cache import cached
from engine.models.load import Report, load
from engine.models.loaded import LoadedModel
from engine.models.resolve import EMBEDDED, resolve
from engine.models.spread import pick_place
from engine.session.record import RecordedRun

Leave = Callable[[str], bool]
"""Whether what a record names, as in `model gpt2` or `adapter poems`, may be loaded."""


class ReplayModels:
    """Loads what is allowed, each once in a row; device, dtype and family are those of the record where they are auto.

    `given` is a model's name, which then runs everything; `leave` is asked for each other name that a record gives.
    """

    def __init__(
        self,
        given: str | None,
        leave: Leave,
        *,
        family: str = "auto",
        device: str = "auto",
        dtype: str = "auto",
        progress: Report | None = None,
    ) -> None:
        self._given, self._leave, self._progress = given, leave, progress
        self._family, self._device, self._dtype = family, device, dtype
        self._key: object = None
        self._model: LoadedModel | None = None
        self._assistants: dict[tuple[str, object], LoadedModel] = {}
        self._answers: dict[str, bool] = {}

    def model_for(self, run: RecordedRun) -> LoadedModel:
        """The model to run it again with. Raises `LoadError`."""
        name = self._given or run.model_name or EMBEDDED
        place = self._place(run)
        key = (name, "" if self._given else run.model.get("source"), place)
        if self._model is None or key != self._key:
            self._model = None  # the old one is let go of first
            if self._given:
                self._model = self._loaded(self._given, place)
            elif name == EMBEDDED:
                self._model = self._loaded(None, place)
            else:
                self._model = self._allowed(name, run.model.get("source"), place)
            self._key = key
        return self._model

    def assistant(self, run: RecordedRun, name: str) -> LoadedModel:
        """The model that drafts under this name. Raises `LoadError`."""
        model = self.model_for(run)
        if name in (run.model.get("name"), run.model.get("source"), model.name, model.source):
            return model
        place = ("auto", str(model.device), model.dtype)
        if (name, place) not in self._assistants:
            embedded = name == EMBEDDED
            self._assistants[name, place] = self._loaded(None, place) if embedded else self._allowed(name, None, place)
        return self._assistants[name, place]

    def adapter(self, run: RecordedRun, name: str) -> None:
        """Raises `LoadError` where the adapter that a record names is not to be put on."""
        if not self._may(f"adapter {name}"):
            raise LoadError(
                f"the adapter {shown(name)} is only named by the file: allow what the file names by --trust_model_path"
            )
        adapters = self.model_for(run).adapters
        try:
            adapters.find(name)
        except LoadError:  # the name was that of a folder, seen from where the session was begun
            places = [str(file.get("source")) for file in run.adapter_files if file.get("name") == name]
            if not places:
                raise
            adapters.places[name] = places[-1]

    def _may(self, what: str) -> bool:
        """Whether a person gives leave; asked once for each."""
        if what not in self._answers:
            self._answers[what] = self._leave(what)
        return self._answers[what]

    def _allowed(self, name: str, source: object, place: tuple[str, str, str]) -> LoadedModel:
        """A model that the record names, where it is allowed and lies on this machine."""
        if not self._may(f"model {name}"):
            raise LoadError(
                f"the model {shown(name)} is only named by the file: give it by --model_name_or_path, "
                "or allow what the file names by --trust_model_path"
            )
        try:
            found = resolve(name)
        except LoadError:
            if not isinstance(source, str) or not source:
                raise
            found = resolve(source)  # the name was that of a folder, seen from where the session was begun
        if found.kind != "hub":
            return self._loaded(found.place, place)
        folder = cached(found.place)
        if folder is None:
            raise LoadError(f"{shown(name)}: not on this machine, and a replay fetches nothing: load it once before")
        return self._loaded(str(folder), place)

    def _loaded(self, name: str | None, place: tuple[str, str, str]) -> LoadedModel:
        family, device, dtype = place
        return load(name, family=family, device=device, dtype=dtype, progress=self._progress)

    def _place(self, run: RecordedRun) -> tuple[str, str, str]:
        """Family, device and dtype: as asked for, else as recorded, else as for any model."""
        then = {name: str(run.model.get(name)) for name in ("family", "device", "dtype")}
        family = then["family"] if self._family == "auto" and then["family"] in FAMILIES else self._family
        dtype = then["dtype"] if self._dtype == "auto" and then["dtype"] in DTYPES else self._dtype
        device = self._device
        if device == "auto":
            try:
                pick_place(then["device"])
                device = then["device"]
            except LoadError:
                device = "auto"
        return family, device, dtype
