"""Looking for models below a folder that may hold anything: within bounds, and with leave to stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.models.places import UNFINISHED
from engine.models.weight_files import ADAPTER_CONFIG

_DEPTH = 4
_MOST = 50_000  # names that are looked at below one folder
_DULL = {"node_modules", "__pycache__", "site-packages", "build", "dist"}


def found_below(top: Path, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """Folders with a config.json or an adapter, and .gguf files, below `top` or `top` itself, nearest first.

    Hidden and unfinished folders are passed over, and a model's folder is not looked into; links are followed, each
    place once.
    """
    seen: set[tuple[int, int]] = set()
    left = _MOST
    level = [top]
    for _ in range(_DEPTH + 1):
        further: list[Path] = []
        for folder in level:
            if cancelled() or left <= 0:
                return
            names, folders = _listed(folder, seen, left)
            left -= len(names) + len(folders)
            if "config.json" in names or ADAPTER_CONFIG in names:
                yield folder
            else:
                further += folders
            yield from (folder / name for name in names if _is_gguf(name))
        level = further


def _listed(folder: Path, seen: set[tuple[int, int]], most: int) -> tuple[list[str], list[Path]]:
    """The files and folders in a folder, sorted; none where it cannot be read or was read before."""
    names: list[str] = []
    folders: list[Path] = []
    try:
        facts = folder.stat()
        if (facts.st_dev, facts.st_ino) in seen:
            return [], []
        seen.add((facts.st_dev, facts.st_ino))
        with os.scandir(folder) as found:
            for item in found:
                if len(names) + len(folders) >= most:
                    break
                if item.is_dir():
                    if not item.name.startswith(".") and item.name not in _DULL and not item.name.endswith(UNFINISHED):
                        folders.append(folder / item.name)
                elif item.is_file():
                    names.append(item.name)
    except OSError:
        return [], []
    return sorted(names), sorted(folders)


def _is_gguf(name: str) -> bool:
    return name.lower().endswith(".gguf") and not name.startswith(".")
