"""Where a session is recorded beside a file of its own: on in another one, in a copy of one, or nowhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.errors import TranscriptError
from engine.session.transcript import Transcript, new_path
from engine.text_files import reason, shown_path

_PIECE = 1 << 20


def fresh_path(folder: Path) -> Path:
    """A path for a new transcript in a folder, free for as long as nobody takes it."""
    path, number = folder / new_path().name, 2
    while os.path.lexists(path):
        path, number = folder / f"{new_path().stem}-{number}.jsonl", number + 1
    return path


class Copied(Transcript):
    """A transcript that begins with what another says: with all of it, or with its first `end` bytes.

    The copy is made with the first line that is written, so that what was only looked at leaves nothing behind. A line
    tells where it is from; where it cannot be made, that has to do.
    """

    def __init__(self, path: Path, source: Path, end: int | None = None) -> None:
        super().__init__(path, make_folder=True)
        self._source: Path | None = source
        self._end = end

    def open(self) -> None:
        """Make the copy now. Raises `TranscriptError` where it cannot be made."""
        self._begin()
        super().open()

    def write(self, event: str, /, **fields: Any) -> None:
        """Append one line."""
        self._begin()
        super().write(event, **fields)

    def _begin(self) -> None:
        source, self._source = self._source, None
        if source is None:
            return
        try:
            if not os.path.lexists(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._copy(source)
        except OSError as error:
            super().write("copied", **{"from": str(source), "whole": False})
            raise TranscriptError(f"{shown_path(source)}: cannot be copied to {self.path}: {reason(error)}") from error
        super().write("copied", **{"from": str(source)})

    def _copy(self, source: Path) -> None:
        left = self._end if self._end is not None else source.stat().st_size
        part = self.path.with_suffix(".part")
        try:
            with source.open("rb") as old, os.fdopen(_new(part), "wb") as new:
                while left > 0 and (piece := old.read(min(left, _PIECE))):
                    new.write(piece)
                    left -= len(piece)
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)


class Unrecorded(Transcript):
    """Takes every line and writes none."""

    def __init__(self) -> None:
        super().__init__(Path())

    def open(self) -> None:
        """Opens nothing."""

    def write(self, event: str, /, **fields: Any) -> None:
        """Writes nothing."""


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
