"""The hub's cache on this disk: which repositories are in it, and whether they are whole. The hub is not asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from huggingface_hub import CachedRepoInfo, constants, scan_cache_dir, snapshot_download
from huggingface_hub.errors import CacheNotFound, IncompleteSnapshotError, LocalEntryNotFoundError

from engine.errors import LoadError
from engine.models.entry import Entry
from engine.models.loadable import loadable
from engine.models.weight_files import ADAPTER_CONFIG, weight_files

_MISSING = ("no config.json", "no weights (", "half there")  # what `loadable` says of a part of a model
_HALF = "half fetched: fetch it again to go on"


def cached(repository: str, revision: str | None = None) -> Path | None:
    """The folder of a repository that is in the cache whole, at its main revision if none is named."""
    folder = snapshot(repository, revision)
    if folder is None or not any((folder / name).is_file() for name in ("config.json", ADAPTER_CONFIG)):
        return None
    try:
        weight_files(folder)
    except LoadError:
        return None
    return folder


def snapshot(repository: str, revision: str | None = None) -> Path | None:
    """The folder that the cache has for a repository, be it whole or not."""
    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except IncompleteSnapshotError as error:  # told of files that were never wanted, too
        return Path(error.snapshot_path)
    except (LocalEntryNotFoundError, ValueError, OSError):
        return None


def cached_repositories(name: str | None = None, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Entry]:
    """The models in the cache, the one that was used last first; or the one of this name alone."""
    root = Path(constants.HF_HUB_CACHE)
    try:
        scan = scan_cache_dir(root)
        folders = sorted(path for path in root.glob("models--*") if path.is_dir())
    except (CacheNotFound, ValueError, OSError):
        return
    whole = {repo.repo_path.name: repo for repo in scan.repos if repo.repo_type == "model"}
    for folder in sorted(folders, key=lambda path: -(_last_used(whole.get(path.name)) or 0)):
        if cancelled():
            return
        repository = folder.name.removeprefix("models--").replace("--", "/")
        if name in (None, repository):
            yield _entry(repository, folder, whole.get(folder.name))


def _last_used(repo: CachedRepoInfo | None) -> float | None:
    """When its weights were read last, by whatever program; the small files are read for every list of models."""
    if repo is None:
        return None
    files = [file for revision in repo.revisions for file in revision.files]
    weights = [file.blob_last_accessed for file in files if file.file_path.suffix in (".safetensors", ".bin")]
    return max(weights, default=repo.last_modified)


def _entry(repository: str, folder: Path, repo: CachedRepoInfo | None) -> Entry:
    """A repository of the cache; the library leaves one out whose files are not all there."""
    size, used = repo.size_on_disk if repo else _size(folder / "blobs"), _last_used(repo)
    place = snapshot(repository)
    name = repository
    if place is None and repo and repo.revisions:  # fetched by a revision that is not the main one
        place = max(repo.revisions, key=lambda revision: revision.last_modified).snapshot_path
        name = str(place)
    if place is None:
        return Entry(repository, "cache", folder, "", size, used, _HALF)
    found = loadable(place, open_weights=False)
    half = found.problem.startswith(_MISSING)
    adapter = (place / ADAPTER_CONFIG).is_file()
    return Entry(
        name, "adapter" if adapter else "cache", place, found.family, size, used, _HALF if half else found.problem
    )


def _size(blobs: Path) -> int:
    try:
        return sum(path.stat().st_size for path in blobs.iterdir() if path.is_file())
    except OSError:
        return 0
