"""Text files that a person names: read whole or refused in one line, written whole or not at all.

A name may be anything: a folder, a pipe that nobody writes to, a disk that is full. None of it makes one wait.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from engine.errors import FileError, NameTakenError, shown

LARGEST = 4_000_000
"""Bytes that a text file may have: more is no prompt."""


def path_of(name: str) -> Path:
    """The path that a person means: `~` is home. Raises `FileError` for a name that can be none."""
    if not name.strip() or "\0" in name:
        raise FileError(f"{shown(name) or 'an empty name'}: this is no file name")
    try:
        return Path(name).expanduser()
    except RuntimeError as error:  # ~nobody
        raise FileError(f"{shown(name)}: there is no such home folder") from error


def read_text(path: Path, largest: int = LARGEST, *, name: str = "") -> str:
    """The text of a file in UTF-8, every newline as one character. Raises `FileError`, in one line.

    `name` is what that line calls the file; its path, if none is given.
    """
    name = name or shown_path(path)
    try:
        # A pipe would make one wait for a writer; this opens it at once, and it is refused below.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            kind = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(kind):
                raise FileError(f"{name}: {_what(kind)}, no text file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                raw = file.read(largest + 1) or b""
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise FileError(f"{name}: cannot be read: {reason(error)}") from error
    if len(raw) > largest:
        raise FileError(f"{name}: larger than the {_size(largest)} that are taken")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{name} line {_line(raw, error.start)}: no UTF-8 text") from error
    if b"\0" in raw:
        raise FileError(f"{name} line {_line(raw, raw.index(0))}: binary, no text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_text(path: Path, text: str, *, over: bool = False, private: bool = False) -> None:
    """Write a text as UTF-8, whole or not at all; `private` is for the owner alone.

    A link stays one. Raises `NameTakenError` for a file that is there already, unless it is to be written `over`, and
    `FileError`.
    """
    try:
        if path.exists() and not path.is_file():
            raise FileError(f"{shown_path(path)}: {_what(path.stat().st_mode)}; nothing can be written there")
        goal = path.resolve() if over else path
        written = goal.parent / f".{token_hex(8)}.part"
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "replace"))
            if over:
                _replace(written, goal)
            else:
                _put(written, path)
        finally:
            written.unlink(missing_ok=True)
    except FileExistsError as error:
        raise NameTakenError(f"{shown_path(path)}: there is a file of this name") from error
    except (OSError, ValueError) as error:
        raise FileError(f"{shown_path(path)}: cannot be written: {reason(error)}") from error


def _put(written: Path, path: Path) -> None:
    try:
        os.link(written, path)  # unlike a rename, it never takes the place of another file
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(written, path)


def _replace(written: Path, path: Path) -> None:
    with suppress(FileNotFoundError):
        written.chmod(stat.S_IMODE(path.stat().st_mode))  # nobody is to read more than before
    os.replace(written, path)


def shown_path(path: Path) -> str:
    """A path as part of a line; of a long one the end, where files differ."""
    name = home_path(path)
    return shown(name if len(name) <= 60 else "…" + name[-59:])


def home_path(path: Path) -> str:
    """A whole path as people know it: the home folder is `~`."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):  # elsewhere, or there is no home
        return str(path)


def reason(error: OSError | ValueError) -> str:
    """What the system says, without the path that is told already."""
    return str(getattr(error, "strerror", None) or error)


def _line(raw: bytes, place: int) -> int:
    return raw[:place].count(b"\n") + 1


def _size(count: int) -> str:
    return f"{count // 1_000_000} MB" if count >= 1_000_000 else f"{count // 1000} kB"


def _what(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
