"""The small files beside a model's weights, which anyone may have written: read within bounds, or passed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.errors import FileError
from engine.text_files import read_text

_LARGEST = 16_000_000  # bytes; a vocabulary may stand in them


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none, or no such file."""
    try:
        value = json.loads(read_text(path, _LARGEST))
    except (FileError, OSError, ValueError, RecursionError, MemoryError):
        return {}
    return value if isinstance(value, dict) else {}


def text_in(values: dict[str, Any], *keys: str) -> str:
    """The first of these keys that holds a text, cut to what a line can bear; an empty one where none does."""
    found = (values.get(key) for key in keys)
    return next((value[:100] for value in found if isinstance(value, str) and value), "")


def number_in(values: dict[str, Any], *keys: str) -> int | None:
    """The first of these keys that holds a plausible count."""
    return next((count for key in keys if (count := plausible(values.get(key))) is not None), None)


def plausible(value: object) -> int | None:
    """A positive whole number that a model can have; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40 else None
