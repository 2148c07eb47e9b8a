"""The transcripts of one user: those kept by themselves, those with a name, and those thrown away but not yet gone.

transcripts/            as sessions write them, thinned by age
transcripts/named/      those that got a name; never thinned
transcripts/bin/        those deleted, for some weeks
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from platformdirs import user_data_path

from engine.errors import FileError, NameTakenError, shown
from engine.session.digest import Digest
from engine.session.holding import is_held
from engine.session.index import FILE, Index
from engine.text_files import reason, shown_path

NAMED, BIN = "named", "bin"
BIN_DAYS = 30
"""How long what was deleted can be had again."""
LONGEST_NAME = 80
_DAY_S = 86_400.0
_NO_NAME = re.compile(r"[/\\\0:*?\"<>|\x00-\x1f\x7f]")


def default_folder() -> Path:
    """Where a session's transcripts are kept by themselves."""
    return user_data_path("textgen-tui") / "transcripts"


@dataclass(frozen=True, slots=True)
class Entry:
    """A transcript that the library has."""

    path: Path
    digest: Digest
    changed: float
    """When it was last written to, in seconds since 1970."""

    @property
    def name(self) -> str:
        """The name that a person gave it; empty where it has none."""
        return self.path.stem if self.path.parent.name == NAMED else ""

    @property
    def title(self) -> str:
        """What it is called: its name, else the first line of its text."""
        return self.name or self.digest.title

    @property
    def time(self) -> datetime:
        """When it was last written in, by its own word where it says so."""
        return datetime.fromtimestamp(self.digest.time or self.changed)


@dataclass(frozen=True, slots=True)
class Deleted:
    """A transcript that was deleted: where it lay, where it lies, and when it had been written to last."""

    was: Path
    now: Path
    changed: float


class Library:
    """The transcripts in a folder. Its methods read and move files: for a thread, where there are many."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()
        self._open: Index | None = None

    @property
    def _index(self) -> Index:
        if self._open is None:
            self._open = Index(self.folder / FILE)
        return self._open

    def close(self) -> None:
        """Let go of the index until it is needed again."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def paths(self) -> list[Path]:
        """All transcripts, the one written to last first."""
        found = [*_transcripts(self.folder), *_transcripts(self.folder / NAMED)]
        return [path for _, path in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def entries(self, is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[Entry]:
        """All that have a run in them, the one written to last first; each file is read once for as long as it stays
        as it is.
        """
        paths = self.paths()
        for path, found, known in self._index.digests(paths, is_cancelled):
            if known.runs:
                yield Entry(path, known, found.st_mtime)
        if not is_cancelled():
            self._index.forget_all_but(paths)

    def holding(self, text: str, is_cancelled: Callable[[], bool] = lambda: False) -> set[Path]:
        """Those of the entries told so far that have every word of `text` in their text, model or name."""
        return self._index.holding(text.split(), is_cancelled)

    def text(self, path: Path) -> str:
        """All that was written in an entry told so far."""
        return self._index.text(path)

    def owns(self, path: Path) -> bool:
        """Whether it is one of the library's: such a one is gone on with where it lies."""
        with suppress(OSError):
            return path.resolve().parent in (self.folder.resolve(), (self.folder / NAMED).resolve())
        return False

    def rename(self, path: Path, name: str) -> Path:
        """Give it a name, which keeps it apart from the others. Raises `FileError`, also where the name is taken."""
        goal = self.folder / NAMED / f"{checked_name(name)}.jsonl"
        if goal == path:
            return path
        with _told(goal):
            goal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _move(path, goal)
        return goal

    def delete(self, path: Path) -> Deleted:
        """Throw it away, to be had again for some weeks. Raises `FileError` for one that a session writes to."""
        if is_held(path):
            raise FileError(f"{shown_path(path)}: a session is writing to it; leave that first")
        goal = _free(self.folder / BIN / path.name)
        with _told(path):
            changed = path.stat().st_mtime
            goal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _move(path, goal)
            os.utime(goal)  # its weeks begin now
        return Deleted(path, goal, changed)

    def bring_back(self, deleted: Deleted) -> Path:
        """Undo a deletion; the old place is taken where it is free. Raises `FileError`."""
        goal = _free(deleted.was)
        with _told(goal):
            goal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _move(deleted.now, goal)
            os.utime(goal, (deleted.changed, deleted.changed))
        return goal

    def thin(self, keep_days: float, spared: Iterable[Path] = ()) -> int:
        """Throw away what has no name and is older than so many days (0: nothing), and empty the bin of what has lain
        there for `BIN_DAYS`; how many were thrown away. What cannot be is left.
        """
        kept, now, thrown = set(spared), time.time(), 0
        for changed, path in _transcripts(self.folder):
            if keep_days and now - changed > keep_days * _DAY_S and path not in kept:
                with suppress(FileError):  # a session writes to it
                    self.delete(path)
                    thrown += 1
        for changed, path in _transcripts(self.folder / BIN):
            if now - changed > BIN_DAYS * _DAY_S:
                with suppress(OSError):
                    path.unlink()
        return thrown


def checked_name(name: str) -> str:
    """A name as a file can have it, on any system. Raises `FileError` for one that none can have."""
    name = " ".join(name.split()).strip(". ")
    if not name or _NO_NAME.search(name) or len(name.encode("utf-8", "replace")) > 2 * LONGEST_NAME:
        raise FileError(f"{shown(name) or 'an empty name'}: a name has letters, digits and spaces, and is not long")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise FileError(f"{shown(name)}: this is no file name") from error
    return name


def _transcripts(folder: Path) -> Sequence[tuple[float, Path]]:
    """(time of the last change, path) of the files there."""
    found: list[tuple[float, Path]] = []
    with suppress(OSError), os.scandir(folder) as files:
        for file in files:
            with suppress(OSError):
                if file.name.endswith(".jsonl") and file.is_file():
                    found.append((file.stat().st_mtime, Path(file.path)))
    return found


def _move(path: Path, goal: Path) -> None:
    """Move a file, never over another one."""
    try:
        os.link(path, goal, follow_symlinks=False)
    except FileExistsError as error:
        raise NameTakenError(f"{shown(goal.stem)}: there is one of this name") from error
    except OSError:  # a file system without links
        if os.path.lexists(goal):
            raise NameTakenError(f"{shown(goal.stem)}: there is one of this name") from None
        os.rename(path, goal)
    else:
        path.unlink()


def _free(path: Path) -> Path:
    """The path, with a number where it is taken."""
    free, number = path, 2
    while os.path.lexists(free):
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return free


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system refuses becomes a `FileError`."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise FileError(f"{shown_path(path)}: {reason(error)}") from error
