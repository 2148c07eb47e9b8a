"""One model that could be loaded, as a list of models tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["embedded", "cache", "folder", "gguf", "recent", "hub", "adapter"]


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` is what `load` takes; `path` where it lies on this disk, None for a hub's search result.

    `family` is the `model_type` of its config, "" where unknown. `problem` says in one line why it cannot be loaded.
    Names come from disks and hubs: they are shown through `safe_text`.
    """

    name: str
    kind: Kind
    path: Path | None
    family: str
    size_bytes: int
    last_used: float | None = None
    problem: str = ""
