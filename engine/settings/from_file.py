"""A setting as a person writes it into a TOML file: in its own type, or by the words that the panel takes."""

from __future__ import annotations

from typing import Any

from engine.settings.parameter import OFF_WORDS
from engine.settings.snapshot import parameter_named


def named_value(name: str, value: Any) -> tuple[str, Any]:
    """The setting's own name and the checked value; "off" and "auto" are words, since TOML has nothing for them.

    Raises `SettingError`.
    """
    parameter = parameter_named(name)
    if isinstance(value, str) and value.strip().lower() in OFF_WORDS | {"auto"}:
        return parameter.name, parameter.parse(value)
    return parameter.name, parameter.check(value)
