"""Every option of the config file, declared once: its checks, the commented file and the README's table follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from engine.errors import ConfigError, shown
from engine.user_files import toml_value

FILE_NAME = "config.toml"
DARK, LIGHT, HIGH_CONTRAST = THEMES = ("dark", "light", "high-contrast")


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of the file. Its kind is its default's; the two tables have entries of their own."""

    name: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0

    @property
    def is_table(self) -> bool:
        """Whether it is a table, checked by those whose names stand in it."""
        return isinstance(self.default, Mapping)

    @property
    def takes(self) -> str:
        """What may be given, in words."""
        match self.default:
            case bool():
                return "true or false"
            case str():
                return "one of " + ", ".join(map(toml_value, self.choices)) if self.choices else "a text"
            case int() | float():
                return f"a number from {self.low:g} to {self.high:g}"
            case _:
                return "a table"

    def check(self, value: Any) -> Any:
        """The value, or `ConfigError` that says what may be given."""
        match self.default:
            case bool():
                good = isinstance(value, bool)
            case str():
                good = isinstance(value, str) and (not self.choices or value in self.choices)
            case int() | float():
                good = isinstance(value, int | float) and not isinstance(value, bool)
                good = good and self.low <= value <= self.high
            case _:
                good = isinstance(value, dict)
        if not good:
            raise ConfigError(f"{self.name} {shown(value)}: must be {self.takes}")
        return value


def _declare(default: Any, help: str, **declaration: Any) -> Any:
    made = {"default_factory": dict} if default == {} else {"default": default}
    return field(**made, metadata={"declaration": {"default": default, "help": help, **declaration}})


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the file says, or the defaults. Each field is an option; `complaints` is what could not be taken."""

    theme: str = _declare(DARK, "The colours.", choices=THEMES)
    reduced_motion: bool = _declare(False, "Nothing glides and no cursor blinks.")
    reading_speed: float = _declare(
        0,
        "Words a minute at which the text comes, six characters counted as a word; 0 shows each token as it is chosen. "
        "200 to 300 is a usual pace.",
        low=0,
        high=10_000,
    )
    model: str = _declare("", "The model to start with, as --model_name_or_path takes it; empty for the embedded one.")
    record: bool = _declare(
        True,
        "Whether the session is recorded as it goes on. Off, as by --no_record, nothing of it is written down: no "
        "transcript, no prompts for later sessions, no copy in clipboard.txt; what you save yourself is saved.",
    )
    keep_days: float = _declare(
        0,
        "After how many days a transcript that has no name goes into the bin, and thirty days later for good; 0 keeps "
        "all. Those with a name are always kept.",
        low=0,
        high=100_000,
    )
    settings: Mapping[str, Any] = _declare(
        {}, "Where the settings of a session begin, by the names of the settings' table: temperature = 0.8"
    )
    keys: Mapping[str, tuple[str, ...]] = _declare(
        {}, 'Keys of your own for actions: a key, a list of keys, or [] for none: pause = ["f4", "ctrl+p"]'
    )
    lines: Mapping[str, str] = field(default_factory=dict)
    """Entry of the keys' table -> where it stands, for what is said of it later."""
    complaints: tuple[str, ...] = ()


OPTIONS: dict[str, Option] = {
    declared.name: Option(declared.name, **declared.metadata["declaration"])
    for declared in fields(Config)
    if declared.metadata
}
