"""Lines of a transcript from the disk, whatever became of the file: what cannot be read is passed over.

A line is read only up to `LONGEST` bytes and one at a time, so that no file takes more memory than its longest line.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from engine.errors import TranscriptError
from engine.session.format import LONGEST
from engine.text_files import reason, shown_path

_PIECE = 1 << 16


def read(path: Path, start: int = 0, end: int | None = None) -> Iterator[dict[str, Any]]:
    """The lines of a transcript in their order, of those that begin in bytes `start` to `end`.

    What cannot be read as a line is skipped, a torn last one too. Raises `TranscriptError` where the file cannot be
    opened.
    """
    for place, raw in raw_lines(path, start):
        if end is not None and place >= end:
            return
        line = parsed(raw) if raw is not None else None
        if line is not None:
            yield line


def raw_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes | None]]:
    """(where it begins, the bytes of each line from there on), without its newline; None for one that is too long.

    Raises `TranscriptError` where the file cannot be read or is a folder, a pipe or a device.
    """
    try:
        # A pipe would make one wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise TranscriptError(f"{shown_path(path)}: cannot be read: it is no file")
            file.seek(start)
            place = start
            while raw := file.readline(LONGEST + 1):
                whole = raw.endswith(b"\n") or len(raw) <= LONGEST
                yield place, raw.rstrip(b"\r\n") if whole else None
                place += len(raw) + (0 if whole else _passed(file))
    except (OSError, ValueError) as error:
        raise TranscriptError(f"{shown_path(path)}: cannot be read: {reason(error)}") from error


def parsed(raw: bytes) -> dict[str, Any] | None:
    """The line that these bytes are; None where they are none."""
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and isinstance(line.get("event"), str) else None


def _passed(file: IO[bytes]) -> int:
    """Goes to the end of the line; how many bytes that took."""
    count = 0
    while piece := file.readline(_PIECE):
        count += len(piece)
        if piece.endswith(b"\n"):
            break
    return count
