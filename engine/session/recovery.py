"""Sessions that were cut off: their transcripts have no `end`, and nobody writes to them any more."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from engine.session.digest import digest
from engine.session.holding import is_held
from engine.session.library import Entry, Library
from engine.session.reading import read
from engine.session.transcript import Transcript

MOST = 3
"""How many are offered, the newest first."""
DAYS = 14
"""What has been left alone for longer is no longer offered; the library has it."""
_LOOKED_AT = 20
_TAIL = 65_536  # bytes: the last line of any session but for a torn one
_DAY_S = 86_400.0


def cut_off(library: Library, own: Path | None = None) -> list[Entry]:
    """The newest transcripts that were cut off; `own` is this session's."""
    return list(islice(_cut_off(library, own), MOST))


def _cut_off(library: Library, own: Path | None) -> Iterator[Entry]:
    for path in library.paths()[:_LOOKED_AT]:
        with suppress(Exception):  # whatever is wrong with one, it is not offered
            changed = path.stat().st_mtime
            if path == own or time.time() - changed > DAYS * _DAY_S or has_ended(path) or is_held(path):
                continue
            known = digest(read(path))
            if known.tokens and not known.ended:
                yield Entry(path, known, changed)


def decline(path: Path) -> None:
    """Let it not be offered again: it gets the end that it lacks. Raises `TranscriptError`."""
    found = path.stat() if path.exists() else None
    transcript = Transcript(path)
    transcript.write("end", declined=True)
    transcript.close()
    if found is not None:
        with suppress(OSError):  # nobody has written in it since
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def has_ended(path: Path) -> bool:
    """Whether the last line of a transcript says that its session was left. Raises `OSError`."""
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        line = json.loads(last)
    except (ValueError, RecursionError):
        return False
    return isinstance(line, dict) and line.get("event") == "end"
