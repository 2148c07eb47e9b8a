"""The models loaded last, newest first, in a small JSON file of the user's state folder."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from engine.errors import FileError
from engine.models.places import recent_models
from engine.text_files import read_text, write_text

_MOST = 20
_LARGEST = 100_000  # bytes


def remember(name: str) -> None:
    """Put a model at the head of the list: what `load` took. Where it cannot be written it is not remembered."""
    with suppress(OSError, RuntimeError, ValueError):  # a name that can be no path
        path = Path(name).expanduser()
        name = str(path.absolute()) if path.exists() else name
    kept = {name: time.time()} | {known: when for known, when in remembered().items() if known != name}
    items = [{"name": known, "last_used": when} for known, when in list(kept.items())[:_MOST]]
    with suppress(FileError, OSError):
        recent_models().parent.mkdir(parents=True, exist_ok=True)
        write_text(recent_models(), json.dumps(items, indent=1) + "\n", over=True, private=True)


def remembered() -> dict[str, float]:
    """Name -> when it was loaded last, newest first. A file that is broken, or none, remembers nothing."""
    try:
        items = json.loads(read_text(recent_models(), _LARGEST))
        found = {str(item["name"]): float(item["last_used"]) for item in items if item["name"]}
    except (FileError, OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return {}
    return dict(sorted(found.items(), key=lambda item: -item[1])[:_MOST])
