"""Small files that a person keeps in their config folder, in TOML or JSON. Nothing in them is trusted."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from engine import text_files
from engine.errors import ConfigError, FileError, one_line
from engine.text_files import home_path

LIMIT_BYTES = 256_000


def config_path(name: str) -> Path:
    """Where a file of this name lies in the user's config folder."""
    return user_config_path("textgen-tui") / name


def read_text(path: Path) -> str | None:
    """The text of a file, None where there is none. Raises `ConfigError`."""
    try:
        return text_files.read_text(path, LIMIT_BYTES, name=home_path(path))
    except FileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise ConfigError(str(error)) from error


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """What a TOML text holds. Raises `ConfigError` that names file and line."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{home_path(path)}: is nested too deeply") from None
    except ValueError as error:  # also for a number of thousands of digits
        why = one_line(ConfigError(str(error)))
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", why)
        if place is None:
            raise ConfigError(f"{home_path(path)}: {why}") from error
        line = place[1] or str(text.rstrip("\n").count("\n") + 1)
        raise ConfigError(f"{home_path(path)} line {line}: {why[: place.start()]}") from error


def parse_json(text: str, path: Path) -> dict[str, Any]:
    """What a JSON text holds, which must be an object. Raises `ConfigError`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ConfigError(f"{home_path(path)}: is nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{home_path(path)}: is no JSON: {one_line(ConfigError(str(error)))}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{home_path(path)}: holds no JSON object")
    return value


def write_text(path: Path, text: str) -> None:
    """Write a file whole, its folder made where it is missing. A link stays one. Raises `ConfigError`."""
    try:
        with suppress(OSError):  # what it comes to is told by the writing
            path.resolve().parent.mkdir(parents=True, exist_ok=True)
        text_files.write_text(path, text, over=True)
    except (FileError, RuntimeError) as error:  # a loop of links is a RuntimeError
        raise ConfigError(str(error)) from error


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
