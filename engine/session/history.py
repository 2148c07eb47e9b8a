"""Earlier prompts, kept between sessions: JSON lines that are only ever appended to, tidied when they are read.

Two sessions can write at once: a line goes out in one write to the end of the file. A line that was torn is
skipped. Where nothing can be written, the prompts of this session are still remembered.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path

from platformdirs import user_data_path

from engine.errors import FileError
from engine.text_files import reason, shown_path

MOST = 1000
"""Prompts that are remembered: the newest."""
LONGEST = 100_000
"""Characters of a prompt that is written down; a longer one is remembered as long as the session lasts."""
_TAIL = 4_000_000  # bytes read from the end of a file that has grown large


def default_path() -> Path:
    """Where the prompts are kept: the user's data folder."""
    return user_data_path("textgen-tui") / "prompts.jsonl"


class PromptHistory:
    """Earlier prompts, each once, the newest last."""

    def __init__(self, path: Path | None = None, *, kept: bool = True) -> None:
        """What is not to be `kept` is remembered as long as the session lasts."""
        self.path = path or default_path()
        self._kept = kept
        self._unwritten: list[str] = []
        self._newest = ""
        self._walk: Walk | None = None
        self._read: list[str] = []
        self._seen: tuple[int, int] | None = None

    def prompts(self) -> list[str]:
        """All that are remembered, oldest first. Another session's are among them as soon as they are there."""
        self._look()
        return _each_once([*self._read, *self._unwritten])[-MOST:]

    def add(self, prompt: str) -> None:
        """Remember a prompt, and write it down. Raises `FileError` where that cannot be; it is remembered all the same.

        One that says nothing, or the same as the newest, is not written.
        """
        self._walk = None
        if not prompt.strip() or prompt == self._newest:
            return
        self._newest = prompt
        if len(prompt) > LONGEST or not self._kept:
            self._unwritten.append(prompt)
            return
        time = datetime.now(UTC).isoformat(timespec="seconds")
        # ASCII alone: half a character can neither be written nor be found at the beginning of what is read.
        line = json.dumps({"time": time, "prompt": prompt}).encode("ascii") + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _append(self.path, line)
        except OSError as error:
            self._unwritten.append(prompt)
            raise FileError(f"{shown_path(self.path)}: the prompts cannot be kept: {reason(error)}") from error

    def step(self, shown: str, by: int) -> str | None:
        """The prompt so many steps newer (older where negative) than the one that is shown; `None` at an end.

        What is shown and is no step of the walk under way begins another, in which it is the newest.
        """
        if self._walk is None or self._walk.shown != shown:
            self._walk = Walk(self.prompts(), shown)
        return self._walk.step(by)

    def _look(self) -> None:
        """Read the file again if it is another than it was."""
        with suppress(OSError):
            found = self.path.stat()
            now = (found.st_size, found.st_mtime_ns)
            if now != self._seen and stat.S_ISREG(found.st_mode):
                self._read, self._seen = _read(self.path), now


class Walk:
    """A walk through earlier prompts as in a shell: older, newer, and at the near end what was being typed."""

    def __init__(self, prompts: Sequence[str], typed: str) -> None:
        self._prompts = [*(prompt for prompt in prompts if prompt != typed), typed]
        self._place = len(self._prompts) - 1

    @property
    def shown(self) -> str:
        """The prompt that the walk has come to."""
        return self._prompts[self._place]

    def step(self, by: int) -> str | None:
        """The prompt so many steps newer (older where negative), or `None` at an end."""
        place = self._place + by
        if not 0 <= place < len(self._prompts):
            return None
        self._place = place
        return self.shown


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(None, "it is no file")
        if found.st_size and os.pread(descriptor, 1, found.st_size - 1) != b"\n":
            line = b"\n" + line  # a session was cut off in the middle of a line
        if os.write(descriptor, line) < len(line):
            raise OSError(ENOSPC, os.strerror(ENOSPC))
    finally:
        os.close(descriptor)


def _read(path: Path) -> list[str]:
    with path.open("rb") as file:
        if path.stat().st_size > _TAIL:
            file.seek(-_TAIL, os.SEEK_END)
        lines = file.read(_TAIL).split(b"\n")
    return _each_once([prompt for line in lines if (prompt := _prompt(line))])[-MOST:]


def _prompt(line: bytes) -> str | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    prompt = entry.get("prompt") if isinstance(entry, dict) else None
    return prompt if isinstance(prompt, str) and prompt.strip() else None


def _each_once(prompts: Sequence[str]) -> list[str]:
    """Each prompt where it was last."""
    return list(dict.fromkeys(reversed(prompts)))[::-1]
