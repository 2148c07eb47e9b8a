"""A real pseudo-terminal with the program in it: its screen as an emulator shows it, and every byte it wrote."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

from engine.session.reading import read
from tests.paths import REPOSITORY

COLUMNS, ROWS = 120, 36
PATIENCE_S = 120.0
KEYS = {
    "ctrl+j": b"\n",
    "ctrl+q": b"\x11",
    "ctrl+p": b"\x10",
    "escape": b"\x1b",
    "f3": b"\x1bOR",
    "ctrl+o": b"\x0f",
    "ctrl+r": b"\x12",
    "alt+e": b"\x1be",
    "alt+l": b"\x1bl",
    "left": b"\x1b[D",
    "alt+y": b"\x1by",
    "alt+z": b"\x1bz",
    "tab": b"\t",
    "ctrl+z": b"\x1a",
    "alt+4": b"\x1b4",
    "alt+g": b"\x1bg",
}


def program() -> list[str]:
    """The installed command where it stands beside the interpreter, else the module."""
    command = Path(sys.executable).with_name("textgen-tui")
    return [str(command)] if command.exists() else [sys.executable, "-m", "tui"]


def environment(data: Path) -> dict[str, str]:
    """The test's own environment, with a terminal in it and a data folder of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    return kept | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "XDG_DATA_HOME": str(data),
        "XDG_CONFIG_HOME": str(data / "config"),
        "PYTHONPATH": str(REPOSITORY),
        "LC_ALL": "C.UTF-8",
    }


class Terminal:
    """Runs a command in a pseudo-terminal until it ends or the `with` block does."""

    def __init__(
        self,
        arguments: Sequence[str | bytes],
        data: Path,
        command: Sequence[str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.raw = b""
        self._screen: pyte.HistoryScreen = pyte.HistoryScreen(COLUMNS, ROWS, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._data = data
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [*(command or program()), *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(data) | dict(variables or {}),
            start_new_session=True,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(10)
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                read_bytes = os.read(self._ours, 65536)
            except OSError:  # the other end is closed
                return
            if not read_bytes:
                return
            with self._lock:
                self.raw += read_bytes
                self._stream.feed(_for_pyte(read_bytes))

    def press(self, key: str) -> None:
        """Press a key by its name, or type a text."""
        os.write(self._ours, KEYS.get(key) or key.encode())

    def modes(self) -> list[Any]:
        """The terminal's own modes: whether it echoes, waits for lines, hears ctrl+c."""
        return termios.tcgetattr(self._ours)[:4]

    def resize(self, columns: int, rows: int) -> None:
        """As when somebody pulls at the window."""
        with self._lock:
            self._screen.resize(rows, columns)
            fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def lines(self) -> list[str]:
        """The screen, line by line."""
        with self._lock:
            return list(self._screen.display)

    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines())

    def until(self, predicate: Callable[[], Any], what: str) -> None:
        """Wait until it is so; the limit only ends a test that hangs."""
        end = time.monotonic() + PATIENCE_S
        while not predicate():
            if time.monotonic() > end or (self.process.poll() is not None and not self._reader.is_alive()):
                assert predicate(), f"never came: {what}\n{self.text()}\n{self.raw[-2000:]!r}"
                return
            time.sleep(0.02)

    def shows(self, text: str) -> None:
        """Wait until the screen shows this."""
        self.until(lambda: text in self.text(), text)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, and wait for the end."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        self._reader.join(10)

    def ends(self) -> int:
        """Wait for the end of the program: its exit status."""
        status = self.process.wait(PATIENCE_S)
        self._reader.join(10)
        return status

    def pane(self, title: str) -> list[str]:
        """The lines inside a pane with a border, found by how its title begins; counts are on the border."""
        lines = self.lines()
        beginnings = (f"╭─ {title} ─", f"╭─ {title} · ")
        found = ((row, line.find(begun)) for row, line in enumerate(lines) for begun in beginnings)
        top, left = next(((row, place) for row, place in found if place >= 0), (None, 0))
        if top is None:
            return []
        right = lines[top].index("╮", left)
        inside = []
        for line in lines[top + 1 :]:
            if line[left] == "╰":
                break
            inside.append(line[left + 1 : right])
        return inside

    def transcripts(self) -> list[Path]:
        """The transcripts in the data folder."""
        return sorted((self._data / "textgen-tui" / "transcripts").glob("*.jsonl"))

    def told_transcript(self) -> Path:
        """The transcript that the last line printed names."""
        found = re.findall(rb"transcript: ([^\r\n]+\.jsonl)", self.raw)
        assert found, self.raw[-500:]
        return Path(found[-1].decode())


def events(transcript: Path, name: str) -> list[dict[str, Any]]:
    """The events of this name."""
    return [event for event in read(transcript) if event["event"] == name]


def _for_pyte(raw: bytes) -> bytes:
    """Without the keyboard protocol's sequences, which the emulator would print in part; and the other screen, which
    it does not know, begins empty.
    """
    raw = raw.replace(b"\x1b[?1049h", b"\x1b[2J\x1b[H")
    return re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", raw)
