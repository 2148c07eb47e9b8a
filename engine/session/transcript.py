"""A transcript: JSON lines, appended and flushed as things happen, so that a crash loses nothing that was shown.

Each line is an object with the key `event`. A file holds one session: a `run` line for each run, then what happened
in it. A reader skips events that it does not know and a last line that was cut short. The raw text is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from platformdirs import user_data_path

from engine.errors import TranscriptError
from engine.events import Event
from engine.session.format import VERSION, ordered
from engine.session.holding import hold
from engine.session.lines import as_lines
from engine.settings import Settings


def new_path() -> Path:
    """A fresh name in the user's data folder: the date, the time and this process."""
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    return user_data_path("textgen-tui") / "transcripts" / f"{stamp}_{os.getpid()}.jsonl"


class Transcript:
    """An open transcript.

    The file is made with the first line, for its owner alone (mode 0600), and with `make_folder` the folder it is to
    lie in. Raises `TranscriptError` where it cannot be written; after that the transcript stays usable and keeps
    trying, so a disk that has room again is used again.
    """

    def __init__(self, path: Path, *, make_folder: bool = False) -> None:
        self.path = path
        self._make_folder = make_folder
        self._file: TextIO | None = None

    def open(self) -> None:
        """Make the file now, rather than with the first line."""
        if self._file is None:
            with self._told():
                if self._make_folder:
                    self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file = _opened(self.path)

    def run(self, *, model: dict[str, Any], prompt: str, settings: Settings, **more: Any) -> None:
        """Begin a run: what generated, from which prompt, under which settings."""
        self.write(
            "run",
            version=VERSION,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            model=model,
            settings=settings.to_dict(),
            seed=settings.seed,
            prompt=prompt,
            **more,
        )

    def event(self, event: Event) -> None:
        """Write one event of `generate`; waiting in a pause is told by `pause` once and is not an event of its own."""
        for name, fields in as_lines(event):
            self.write(name, **fields)

    def write(self, event: str, /, **fields: Any) -> None:
        """Append one line and flush it."""
        line = json.dumps(ordered(event, fields), ensure_ascii=False, allow_nan=True)
        self.open()
        assert self._file is not None
        with self._told():
            # Lone surrogates cannot be encoded; JSON's own escapes keep them.
            self._file.write((line if _encodable(line) else json.dumps(json.loads(line))) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file; nothing is lost by not calling it."""
        self._abandon()

    @property
    def written(self) -> bool:
        """True once the file is there."""
        return self._file is not None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # a path with a NUL in it is a ValueError
            self._abandon()
            raise TranscriptError(f"the transcript cannot be written to {self.path}: {_reason(error)}") from error

    def _abandon(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # what could not be flushed has been told already
                self._file.close()
            self._file = None


def _opened(path: Path) -> TextIO:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    file = os.fdopen(descriptor, "a", encoding="utf-8", newline="\n")
    hold(descriptor)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 10, 0) != b'{"event": ':
        file.close()
        raise TranscriptError(f"{path}: this file is there already and is no transcript")
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        file.write("\n")  # the last session was cut off in the middle of a line
    return file


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
