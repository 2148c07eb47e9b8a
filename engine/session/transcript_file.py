"""The file under a transcript: appended to line by line, mended where it was torn, on the disk within a second."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path

from engine.errors import TranscriptError
from engine.session.holding import hold
from engine.text_files import shown_path

SYNC_S = 1.0
_BEGINNING = b'{"event": '
_PIECE = 1 << 20


class TranscriptFile:
    """A file that is only ever appended to, for its owner alone. Raises `OSError`, and `ValueError` for no name."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._synced_at = 0.0
        self._syncing: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a file."""
        return self._descriptor is not None

    def open(self, path: Path, *, make_folder: bool = False) -> None:
        """Open it or make it. Raises `TranscriptError` for a file that is no transcript."""
        if self._descriptor is not None:
            return
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A pipe would make one wait for a reader.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            _mend(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        hold(descriptor)
        self._descriptor = descriptor

    @classmethod
    def copied(cls, old: Path, path: Path, lines: Iterable[bytes]) -> TranscriptFile:
        """A new file with what an old one holds, as far as that can be read, and these lines after it."""
        made = cls()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with suppress(OSError), old.open("rb") as file:
                while piece := file.read(_PIECE):
                    _write(descriptor, piece)
            _mend(descriptor, path)
            for line in lines:
                _write(descriptor, line)
            os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        hold(descriptor)
        made._descriptor = descriptor
        return made

    def append(self, line: bytes) -> None:
        """Append a line; after an error it is there in part or not at all."""
        assert self._descriptor is not None
        _write(self._descriptor, line)
        if time.monotonic() - self._synced_at >= SYNC_S:
            self._sync()

    def close(self) -> None:
        """Close it, all of it on the disk as far as that can be done."""
        if self._descriptor is None:
            return
        with suppress(OSError):
            os.fsync(self._descriptor)
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = None

    def _sync(self) -> None:
        """Have the system put it on the disk, which takes its time, so nobody waits for it."""
        if self._syncing is not None and self._syncing.is_alive():
            return
        assert self._descriptor is not None
        self._synced_at = time.monotonic()
        self._syncing = threading.Thread(target=_synced, args=(os.dup(self._descriptor),), daemon=True)
        self._syncing.start()


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written == len(data):
        return
    end = os.lseek(descriptor, 0, os.SEEK_CUR)
    if os.fstat(descriptor).st_size == end:  # else another session has written after it
        os.ftruncate(descriptor, end - written)
    raise OSError(ENOSPC, os.strerror(ENOSPC))


def _mend(descriptor: int, path: Path) -> None:
    """A last line that was torn is ended, so that the next one is whole."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(None, "it is no file")
    if not found.st_size:
        return
    if os.pread(descriptor, len(_BEGINNING), 0) != _BEGINNING[: found.st_size]:
        raise TranscriptError(f"{shown_path(path)}: this file is there already and is no transcript")
    if found.st_size < len(_BEGINNING):
        os.ftruncate(descriptor, 0)
    elif os.pread(descriptor, 1, found.st_size - 1) != b"\n":
        _write(descriptor, b"\n")


def _synced(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
