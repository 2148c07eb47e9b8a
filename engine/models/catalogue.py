"""The models at hand: the embedded one, smollm2, the hub's cache, folders and .gguf files, and those loaded last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.errors import LoadError
from engine.models.details import Details, details_of
from engine.models.embedded import CHECKPOINT
from engine.models.entry import Entry, Kind
from engine.models.finding import found_below
from engine.models.gguf_header import architecture
from engine.models.hub_cache import cached_repositories
from engine.models.loadable import loadable
from engine.models.places import own_models
from engine.models.recent import remembered
from engine.models.resolve import EMBEDDED, SMOLLM2, resolve
from engine.models.weight_files import ADAPTER_CONFIG

__all__ = ["Details", "Entry", "details", "entries", "entry_of"]


def entries(folders: Sequence[Path] = (), cancelled: Callable[[], bool] = lambda: False) -> Iterator[Entry]:
    """The models on this machine, each once, as they are found.

    Looked through are `folders`, by default the current one, and the user's own models. `last_used` is when it was
    loaded here last or its files were read last, so the recent ones are those with the latest; of kind `recent` is what
    was loaded before and lies nowhere else that is looked at. Nothing is raised: what cannot be read is passed over.
    """
    used = dict(remembered())
    seen: set[Path] = set()
    for entry in _all(folders or (Path(),), used, cancelled):
        if cancelled():
            return
        if entry.path is not None:
            place = _real(entry.path)
            if place in seen:
                continue
            seen.add(place)
        last = max((when for when in (used.get(entry.name), entry.last_used) if when is not None), default=None)
        yield replace(entry, last_used=last)


def entry_of(name: str, kind: Kind | None = None) -> Entry:
    """The entry of a model that `load` would take under this name. Raises `LoadError`.

    One of the hub that is not in the cache has no path and no size: `engine.models.hub.search` knows more.
    """
    if name in ("", EMBEDDED):
        return _at(CHECKPOINT, EMBEDDED, "embedded")
    path = Path(name).expanduser()
    if (path / ADAPTER_CONFIG).is_file():
        return _at(path, name, "adapter")
    source = resolve(name)
    if source.kind != "hub":
        return _at(Path(source.place), name, kind or source.kind)
    return next((each for each in cached_repositories(name)), Entry(name, "hub", None, "", 0))


def details(entry: Entry) -> Details:
    """What the files of an entry say, weights unread; of one of the hub, what the hub says. Raises `LoadError`."""
    if entry.path is None:
        from engine.models.hub_search import remote_details

        return remote_details(entry.name)
    try:
        return details_of(entry.path)
    except LoadError as error:
        raise LoadError(f"{entry.name}: {error}") from error
    except OSError as error:
        raise LoadError(f"{entry.name}: cannot be read ({error.strerror})") from error


def _all(folders: Sequence[Path], used: dict[str, float], cancelled: Callable[[], bool]) -> Iterator[Entry]:
    yield _at(CHECKPOINT, EMBEDDED, "embedded")
    with suppress(LoadError):  # not installed
        yield _at(Path(resolve(SMOLLM2).place), SMOLLM2, "gguf")
    yield from cached_repositories(cancelled=cancelled)
    for folder in (*folders, own_models()):
        for place in found_below(folder, cancelled):
            yield _at(place, str(place.absolute()))
    for name in used:
        entry = _remembered(name)
        if entry is not None:
            yield entry


def _remembered(name: str) -> Entry | None:
    """What was loaded before, wherever it is; nothing for what has no path any more."""
    try:
        entry = entry_of(name)
    except (LoadError, OSError, ValueError, RuntimeError):
        return Entry(name, "recent", None, "", 0, problem="is no longer there")
    return replace(entry, kind="recent") if entry.path is not None else None


def _at(path: Path, name: str, kind: Kind | None = None) -> Entry:
    """A folder or a file as an entry, with what keeps it from being loaded."""
    if path.is_file():
        return _gguf(path, name, kind or "gguf")
    found = loadable(path)
    adapter = (path / ADAPTER_CONFIG).is_file()
    return Entry(
        name, "adapter" if adapter else kind or "folder", path, found.family, found.size_bytes, None, found.problem
    )


def _gguf(path: Path, name: str, kind: Kind) -> Entry:
    family = problem = ""
    size = 0
    try:
        size = path.stat().st_size
        family = architecture(path)
    except LoadError as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    return Entry(name, kind, path, family, size, problem=problem)


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()
