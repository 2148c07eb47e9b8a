"""A transcript: JSON lines, appended as things happen, so that a crash loses nothing that was shown.

Each line is an object with the key `event` (`engine.session.format`). A file holds one session: a `run` line for each
run, then what happened in it. Each line goes to the system in one write, and to the disk within a second. The raw text
is kept.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from engine.errors import TranscriptError
from engine.events import Event
from engine.session.format import VERSION, ordered
from engine.session.lines import as_lines
from engine.session.transcript_file import TranscriptFile
from engine.settings import Settings
from engine.text_files import reason

RETRY_S = 1.0
HELD_BYTES = 64_000_000
"""Of lines that cannot be written so many are kept in memory: the first ones, which the later ones build on."""


def new_path() -> Path:
    """A fresh name in the user's data folder: the date, the time and this process."""
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    return user_data_path("textgen-tui") / "transcripts" / f"{stamp}_{os.getpid()}.jsonl"


class Transcript:
    """An open transcript; its methods may be called from any thread.

    The file is made with the first line, for its owner alone (mode 0600), and with `make_folder` the folder it is to
    lie in. Raises `TranscriptError` where it cannot be written, once: after that the lines are kept, and written in
    their order as soon as that can be done again or elsewhere (`save_as`).
    """

    def __init__(self, path: Path, *, make_folder: bool = False, retry_s: float = RETRY_S) -> None:
        self.path = path
        self.trouble = ""
        """Why nothing can be written now, in one line; empty where all is well."""
        self._file = TranscriptFile()
        self._make_folder = make_folder
        self._retry_s = retry_s
        self._retry_at = 0.0
        self._began: float | None = None
        self._held: deque[bytes] = deque()
        self._held_bytes = self._lost = 0
        self._lock = threading.RLock()

    def open(self) -> None:
        """Make the file now, rather than with the first line."""
        with self._lock:
            self._put([])

    def run(self, *, model: dict[str, Any], prompt: str, settings: Settings, **more: Any) -> None:
        """Begin a run: what generated, from which prompt, under which settings."""
        self._began = time.monotonic()
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
            if name == "token" and self._began is not None:
                fields["seconds"] = round(time.monotonic() - self._began, 3)
            self.write(name, **fields)

    def write(self, event: str, /, **fields: Any) -> None:
        """Append one line."""
        line = _encoded(ordered(event, fields))
        with self._lock:
            if not self.held:
                self._put([line])
                return
            self._hold([line])
            if time.monotonic() >= self._retry_at:
                self._put_held()

    def close(self) -> None:
        """Close the file; nothing is lost by not calling it, but for lines that are held."""
        with self._lock:
            if self.held:
                self._put_held()
            self._file.close()

    @property
    def written(self) -> bool:
        """True once the file is there."""
        return self._file.is_open

    @property
    def held(self) -> int:
        """How many lines wait to be written, those that are lost among them."""
        return len(self._held) + self._lost

    def save_as(self, path: Path) -> None:
        """Go on in another file, which begins with all that there is so far; the old one stays.

        Raises `TranscriptError` where there is a file of this name or none can be written; nothing changes then.
        """
        with self._lock:
            try:
                file = TranscriptFile.copied(self.path, path, [*self._held, *self._missing()])
            except (OSError, ValueError) as error:
                raise TranscriptError(f"the transcript cannot be written to {path}: {reason(error)}") from error
            self._file.close()
            self._file, self.path = file, path
            self._all_written()

    def move_to(self, path: Path) -> None:
        """Give the file another name or place on its disk. Raises `TranscriptError` as `save_as` does."""
        with self._lock:
            try:
                if self.path.exists():
                    os.link(self.path, path)  # unlike a rename, it never takes the place of another file
                    self.path.unlink()
            except (OSError, ValueError) as error:
                raise TranscriptError(f"the transcript cannot be moved to {path}: {reason(error)}") from error
            self.path = path

    def _put(self, lines: list[bytes]) -> None:
        """Write lines, or hold them and raise."""
        try:
            self._file.open(self.path, make_folder=self._make_folder)
            for line in lines:
                self._file.append(line)
        except (OSError, ValueError, TranscriptError) as error:  # a path with a NUL in it is a ValueError
            self._file.close()
            self._hold(lines)
            self._retry_at = time.monotonic() + self._retry_s
            if isinstance(error, TranscriptError):
                self.trouble = str(error)
            else:
                self.trouble = f"the transcript cannot be written to {self.path}: {reason(error)}"
            raise TranscriptError(self.trouble) from error

    def _put_held(self) -> None:
        """Try again, without a word where it still cannot be done."""
        try:
            self._file.open(self.path, make_folder=self._make_folder)
            while self._held:
                self._file.append(self._held[0])
                self._held_bytes -= len(self._held.popleft())
            for line in self._missing():
                self._file.append(line)
        except (OSError, ValueError, TranscriptError):
            self._file.close()
            self._retry_at = time.monotonic() + self._retry_s
        else:
            self._all_written()

    def _missing(self) -> list[bytes]:
        return [_encoded(ordered("lost", {"lines": self._lost}))] if self._lost else []

    def _hold(self, lines: list[bytes]) -> None:
        for line in lines:
            if self._lost or self._held_bytes + len(line) > HELD_BYTES:
                self._lost += 1
            else:
                self._held.append(line)
                self._held_bytes += len(line)

    def _all_written(self) -> None:
        self._held.clear()
        self._held_bytes = self._lost = 0
        self.trouble = ""


def _encoded(line: dict[str, Any]) -> bytes:
    try:
        return json.dumps(line, ensure_ascii=False, allow_nan=True).encode() + b"\n"
    except UnicodeEncodeError:  # lone surrogates: JSON's own escapes keep them
        return json.dumps(line, allow_nan=True).encode() + b"\n"
