"""Repositories of the Hugging Face hub: from the local cache where they are, else fetched, never waiting for long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from engine.errors import LoadError
from engine.events import Progress

# Seconds until a hub that does not answer counts as out of reach.
_PATIENCE = 5
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors", "*.pkl", "vocab.bin"]
_OLD_WEIGHTS = ["pytorch_model*.bin"]


def fetched(repository: str, report: Callable[[Progress], None]) -> str:
    """The folder that holds a repository's files.

    What is in the cache is taken from there without asking the hub. Raises `LoadError` in one line.
    """
    folder = cached(repository)
    if folder is not None:
        return folder
    try:
        files = [f.rfilename for f in HfApi().model_info(repository, timeout=_PATIENCE).siblings or ()]
    except GatedRepoError:
        raise LoadError(f"{repository}: a gated model; accept its terms on its page and run: hf auth login") from None
    except RepositoryNotFoundError:
        raise LoadError(f"{repository}: no such model on the hub, and no such folder here") from None
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError, ValueError) as error:
        raise _out_of_reach(repository) from error
    except Exception as error:  # the http library's own errors have no common base with the above
        raise _out_of_reach(repository) from error
    old = [] if any(name.endswith(".safetensors") for name in files) else _OLD_WEIGHTS
    report(Progress("fetching the model from the hub"))
    return str(snapshot_download(repository, allow_patterns=_WANTED + old))


def cached(repository: str) -> str | None:
    """The folder of a repository that is in the local cache whole; the hub is not asked."""
    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, ValueError):
        return None
    return str(folder) if _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    """False for a folder of the cache that holds, say, a config alone."""
    weights = (path for pattern in ("*.safetensors", "*.bin") for path in folder.glob(pattern))
    return (folder / "config.json").exists() and any(path.exists() for path in weights)


def _out_of_reach(repository: str) -> LoadError:
    return LoadError(
        f"{repository}: not a folder here, not in the local cache, and the hub is out of reach; "
        "leave the model out for the embedded one"
    )
