"""The folder of an unfinished run, beside where its result goes: what it is, its checkpoints, and the best weights.

Whatever is in it under its own name is whole: everything is written elsewhere first, then renamed. So a run that is
killed at any moment goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import EngineError, FileError, one_line
from engine.models.places import UNFINISHED
from engine.session import holding
from engine.text_files import read_text, shown_path, write_text

CHECKPOINTS_KEPT = 2
_RUN = "run.json"
_LOCK = "lock"
_WRITING = ".writing"
_VERSION = 1


@dataclass
class Workplace:
    """Where a run works; `out` is where its result goes."""

    out: Path
    _lock: int | None = None

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        return self.out.with_name(self.out.name + UNFINISHED)

    @property
    def staging(self) -> Path:
        """Where a checkpoint is written before it counts."""
        return self.folder / _WRITING

    # Whose it is

    @property
    def taken(self) -> bool:
        """Whether a process is at it."""
        return holding.is_held(self.folder / _LOCK)

    def enter(self) -> None:
        """Make the folder and hold it against others. Raises `EngineError` where another process is at it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.taken:
                raise EngineError(f"{shown_path(self.folder)}: another process is at this run")
            self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            holding.hold(self._lock)
            shutil.rmtree(self.staging, ignore_errors=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def leave(self) -> None:
        """Let go of it; a folder in which nothing was begun is taken away."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self.folder.is_dir() and not (self.folder / _RUN).exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def remove(self) -> None:
        """Take it away: the run is over."""
        (self.folder / _RUN).unlink(missing_ok=True)  # first: what is left of it is no run any more
        self.leave()

    # What it is

    def describe(self, facts: dict[str, Any]) -> None:
        """Write down what the run is."""
        try:
            write_text(self.folder / _RUN, json.dumps({"version": _VERSION, **facts}, indent=1), over=True)
        except FileError as error:
            raise EngineError(str(error)) from error

    def description(self) -> dict[str, Any] | None:
        """What the run is; None where none was begun. Raises `EngineError` for a file that says no such thing."""
        return described(self.folder)

    # Checkpoints

    def checkpoint(self) -> Path | None:
        """The last whole checkpoint."""
        found = _numbered(self.folder, "checkpoint")
        return found[-1][1] if found else None

    @contextmanager
    def writing_checkpoint(self, step: int) -> Iterator[Path]:
        """A folder to write into; it becomes the checkpoint of this step, and the oldest are taken away."""
        yield from self._writing(f"checkpoint-{step}", CHECKPOINTS_KEPT)

    def best(self) -> Path | None:
        """The best weights so far, as an ordinary checkpoint or adapter."""
        found = _numbered(self.folder, "best")
        return found[-1][1] if found else None

    @contextmanager
    def writing_best(self, step: int) -> Iterator[Path]:
        """The same for the best weights, of which there is one."""
        yield from self._writing(f"best-{step}", 1)

    def _writing(self, name: str, kept: int) -> Iterator[Path]:
        written, goal = self.staging / name, self.folder / name
        try:
            shutil.rmtree(self.staging, ignore_errors=True)
            written.mkdir(parents=True)
            yield written
            settle(written)
            if not goal.exists():  # else a run that was killed had come here before: it is the same
                os.rename(written, goal)
            for _, old in _numbered(self.folder, name.partition("-")[0])[:-kept]:
                shutil.rmtree(old, ignore_errors=True)
        except Exception as error:
            if not is_disk_trouble(error):
                raise
            raise _unwritable(self.folder, error) from error
        finally:
            shutil.rmtree(self.staging, ignore_errors=True)

    def publish(self, finish: Callable[[Path], None]) -> None:
        """Make the best weights, after `finish` has put beside them what belongs there, the result."""
        best = self.best()
        assert best is not None
        try:
            finish(best)
            settle(best)
            if self.out.exists():
                raise EngineError(
                    f"{shown_path(self.out)}: came into being meanwhile; the result is in {shown_path(best)}"
                )
            os.rename(best, self.out)
        except (OSError, FileError) as error:
            raise _unwritable(self.out, error) from error
        self.remove()


def described(folder: Path) -> dict[str, Any] | None:
    """What the run in this folder is; None where there is none. Raises `EngineError` where that cannot be read."""
    path = folder / _RUN
    if not path.exists():
        return None
    try:
        plain = json.loads(read_text(path))
        if not isinstance(plain, dict) or plain.get("version") != _VERSION:
            raise ValueError("it is of another version of this program, or of none")
    except (FileError, ValueError, RecursionError) as error:
        raise EngineError(f"{shown_path(path)}: no run can be read from it: {one_line(error, 120)}") from error
    return plain


def unfinished(folder: Path) -> list[Workplace]:
    """The runs in a folder that can be gone on with, the newest first; those that a process is at are not."""
    found = []
    with suppress(OSError):
        for path in folder.glob(f"*{UNFINISHED}"):
            if (path / _RUN).is_file() and not holding.is_held(path / _LOCK):
                found.append(((path / _RUN).stat().st_mtime, Workplace(out_of(path))))
    return [place for _, place in sorted(found, key=lambda pair: (-pair[0], pair[1].out))]


def out_of(folder: Path) -> Path:
    """Where the result goes of the run in this folder, or of the run whose result is to go to this folder."""
    return folder.with_name(folder.name.removesuffix(UNFINISHED))


def settle(folder: Path) -> None:
    """See that a written folder is on the disk, and can be read by all who may read a file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            path.chmod(0o644)  # safetensors writes 0600
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def is_disk_trouble(error: BaseException) -> bool:
    """True for every way in which a full or broken disk is told: torch and safetensors have their own."""
    told = ("file write failed", "PytorchStreamWriter", "No space left", "unexpected pos")
    return (
        isinstance(error, OSError)
        or type(error).__name__ == "SafetensorError"
        or (isinstance(error, RuntimeError) and any(words in str(error) for words in told))
    )


def _numbered(folder: Path, name: str) -> list[tuple[int, Path]]:
    """The folders called `name-N`, by their number."""
    found = []
    for path in folder.glob(f"{name}-*"):
        number = re.fullmatch(rf"{name}-(\d+)", path.name)
        if number and path.is_dir():
            found.append((int(number[1]), path))
    return sorted(found)


def _unwritable(folder: Path, error: BaseException) -> EngineError:
    why = getattr(error, "strerror", None) or one_line(error, 120)
    return EngineError(f"{shown_path(folder)}: cannot be written: {why}")
