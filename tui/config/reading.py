"""From the config file to a `Config`: what is wrong with an entry is said in a line, and the entry has its default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, EngineError, SettingError, shown
from engine.settings import Settings
from engine.settings.from_file import named_value
from engine.text_files import home_path
from engine.user_files import line_of, parse_toml, read_text
from tui.config.declaration import OPTIONS, Config


def read(path: Path) -> Config:
    """What the file says. Never raises: whatever is wrong is in `complaints`, a line each."""
    try:
        text = read_text(path) or ""
        entries = parse_toml(text, path)
    except ConfigError as error:
        return Config(complaints=(f"{error}; the session starts with the defaults",))
    return _Reading(path, text).config(entries)


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean x?`, where a name comes near; else nothing."""
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""


@dataclass
class _Reading:
    path: Path
    text: str
    complaints: list[str] = field(default_factory=list)

    def config(self, entries: Mapping[str, Any]) -> Config:
        values: dict[str, Any] = {}
        for name, value in entries.items():
            option = OPTIONS.get(name)
            if option is None:
                self.complain(f"{shown(name)}: no such option{nearest(name, OPTIONS)}", name)
                continue
            try:
                values[name] = option.check(value)
            except ConfigError as error:
                self.complain(error, name)
        keys = list(self._keys(values.pop("keys", {})))
        settings = self._settings(values.pop("settings", {}))
        return Config(
            **values,
            settings=settings,
            keys={".".join(given): pressed for given, pressed in keys},
            lines={".".join(given): self.place("keys", *given) for given, _ in keys},
            complaints=tuple(self.complaints),
        )

    def place(self, *keys: str) -> str:
        """File and line of an entry."""
        line = line_of(self.text, *keys)
        return home_path(self.path) + (f" line {line}" if line else "")

    def complain(self, what: EngineError | str, *keys: str) -> None:
        self.complaints.append(f"{self.place(*keys)}: {what}; the entry is passed over")

    def _settings(self, table: Mapping[str, Any]) -> dict[str, Any]:
        good: dict[str, Any] = {}
        for name, value in table.items():
            try:
                own, checked = named_value(name, value)
                good[own] = checked
            except SettingError as error:
                self.complain(error, "settings", name)
        return self._together(good)

    def _together(self, values: dict[str, Any]) -> dict[str, Any]:
        """The settings that go with each other: where they do not, the first without which they do is left out."""
        refused = _refusal(values)
        if refused is None:
            return values
        for name in values:
            others = {key: value for key, value in values.items() if key != name}
            if _refusal(others) is None:
                self.complain(f"{name} does not go with the rest: {refused}", "settings", name)
                return others
        self.complaints.append(f"{self.place('settings')}: {refused}; the settings are passed over")
        return {}

    def _keys(self, table: Mapping[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """(where it stands, keys) of each action; `temperature.up = "f3"` is a table in a table to TOML."""
        for name, value in table.items():
            given = (*above, name)
            if isinstance(value, dict):
                yield from self._keys(value, *given)
            elif isinstance(value, str):
                yield given, (value,)
            elif isinstance(value, list) and all(isinstance(key, str) for key in value):
                yield given, tuple(value)
            else:
                what = f"{shown('.'.join(given))} {shown(value)}: must be a key or a list of keys"
                self.complain(what, "keys", *given)


def _refusal(values: Mapping[str, Any]) -> SettingError | None:
    try:
        Settings().changed(**values)
    except SettingError as error:
        return error
    return None
