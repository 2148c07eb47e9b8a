"""Small files that a person keeps in their config folder: read with care, written whole or not at all.

Nothing in them is trusted: a folder, a pipe, a huge or a binary file in their place is an error of one line and holds
nobody up.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from engine.errors import ConfigError, one_line

LIMIT_BYTES = 256 * 1024


def config_path(name: str) -> Path:
    """Where a file of this name lies in the user's config folder."""
    return user_config_path("textgen-tui") / name


def told(path: Path) -> str:
    """A path as people know it: the home folder is `~`."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):  # elsewhere, or there is no home
        return str(path)


def read_text(path: Path, limit: int = LIMIT_BYTES) -> str | None:
    """The text of a file, None where there is none. Raises `ConfigError`."""
    try:
        # Not blocking: opening a named pipe would else wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigError(f"{told(path)}: is no file")
            raw = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise ConfigError(f"{told(path)}: is a folder, not a file") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{told(path)}: cannot be read: {_reason(error)}") from error
    if len(raw) > limit:
        raise ConfigError(f"{told(path)}: is larger than {limit // 1024} kB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{told(path)} line {line}: is no UTF-8 text") from error


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """What a TOML text holds. Raises `ConfigError` that names file and line."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{told(path)}: is nested too deeply") from None
    except ValueError as error:  # also for a number of thousands of digits
        why = one_line(ConfigError(str(error)))
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", why)
        if place is None:
            raise ConfigError(f"{told(path)}: {why}") from error
        line = place[1] or str(text.rstrip("\n").count("\n") + 1)
        raise ConfigError(f"{told(path)} line {line}: {why[: place.start()]}") from error


def parse_json(text: str, path: Path) -> dict[str, Any]:
    """What a JSON text holds, which must be an object. Raises `ConfigError`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ConfigError(f"{told(path)}: is nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{told(path)}: is no JSON: {one_line(ConfigError(str(error)))}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{told(path)}: holds no JSON object")
    return value


def write_text(path: Path, text: str) -> None:
    """Write a file whole, its folder made where it is missing: it has the old text or the new one, never half of it.

    A link stays one. Raises `ConfigError`.
    """
    try:
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.write_text(text, encoding="utf-8", errors="replace", newline="\n")
            draft.replace(path)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links is a RuntimeError
        raise ConfigError(f"{told(path)}: cannot be written: {_reason(error)}") from error


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_key(name)} = {toml_value(item)}" for name, item in value.items()) + " }"
    if isinstance(value, Iterable):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value)


def toml_key(name: str) -> str:
    """A key as TOML writes it, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)


def line_of(text: str, *keys: str) -> int | None:
    """The line, from 1, on which the value at these keys is given, or begins; None where it is not found.

    tomllib keeps no places, so the lines are looked through for the key below its table. What looks like a key within
    a text of several lines is passed over.
    """
    table: tuple[str, ...] = ()
    quoted = ""
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if quoted:
            quoted = "" if line.count(quoted) % 2 else quoted
            continue
        if header := re.match(r"\s*\[+([^\]]*)\]", line):
            table = _split(header[1])
            here = table
        elif entry := re.match(r"\s*((?:\"[^\"]*\"|'[^']*'|[^=#\"'\[\]])+?)\s*=", line):
            here = (*table, *_split(entry[1]))
        else:
            here = ()
        if here and keys[: len(here)] == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
        quoted = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return best[1] if best else None


def _split(dotted: str) -> tuple[str, ...]:
    parts = re.findall(r"\"([^\"]*)\"|'([^']*)'|([^\s.\"']+)", dotted)
    return tuple("".join(part) for part in parts)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
