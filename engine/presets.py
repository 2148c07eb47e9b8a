"""Presets: named ways to decode, kept under the digits 1 to 9.

A preset holds only what differs from `Settings()`. Applied, it sets every decoding setting: its own values, and the
defaults for the rest. What a text is about and how far it goes stays as it is: prompt, prefix, language, seed, number
of sequences, lengths, stop texts, end tokens, words that must or must not come, how the text is remembered, and
whatever else is a text or a list, unless the preset's own table in the file names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, EngineError, SettingError, shown
from engine.settings import PARAMETERS, Settings, parameter_named
from engine.settings.from_file import named_value
from engine.settings.generation_config import strategy_of
from engine.text_files import home_path
from engine.user_files import (
    config_path,
    line_of,
    parse_json,
    parse_toml,
    read_text,
    toml_key,
    toml_value,
    write_text,
)

DIGITS = range(1, 10)
NAME_LENGTH = 40
_LEFT_ALONE_GROUPS = frozenset({"length", "words", "filters", "prompt", "view", "cache", "outputs", "no effect"})
_LEFT_ALONE = frozenset({"seed", "num_return_sequences"})

DECODING: tuple[str, ...] = tuple(
    name
    for name, parameter in PARAMETERS.items()
    if parameter.kind not in ("text", "texts", "ids", "json")
    and parameter.group not in _LEFT_ALONE_GROUPS
    and name not in _LEFT_ALONE
)
"""The settings that every preset sets; the others it leaves alone where it does not name them."""

_HEADER = """\
# textgen-tui's presets, by digit. The program writes this file anew as a preset is kept: remarks in it are lost.
"""


@dataclass(frozen=True)
class Preset:
    """A name and what differs from the defaults, with whatever else it names. Raises `SettingError`."""

    name: str
    differences: Mapping[str, Any] = field(default_factory=dict)
    help: str = ""

    def __post_init__(self) -> None:
        # Each value by itself: some go only with what a preset leaves alone, so the whole is checked as it is applied.
        differing = {}
        for name, value in self.differences.items():
            parameter = parameter_named(name)
            checked = parameter.check(value)
            if checked != parameter.default or parameter.name not in DECODING:
                differing[parameter.name] = checked
        object.__setattr__(self, "differences", differing)

    @property
    def values(self) -> dict[str, Any]:
        """Every decoding setting and whatever else it names, to be changed all at once."""
        return {name: PARAMETERS[name].default for name in DECODING} | dict(self.differences)

    def applied(self, settings: Settings) -> Settings:
        """`settings` with the decoding as the preset has it. Raises `SettingError`."""
        return settings.changed(**self.values)

    def is_in_force(self, settings: Settings) -> bool:
        """Whether the decoding settings are exactly those of the preset."""
        return all(getattr(settings, name) == value for name, value in self.values.items())

    @classmethod
    def of(cls, name: str, settings: Settings) -> Preset:
        """The decoding settings of `settings` under a name; what has no effect under their strategy is not kept."""
        name = " ".join(name.split())[:NAME_LENGTH]
        if not name:
            raise SettingError("a preset needs a name")
        moved = Settings().differences(settings)
        return cls(name, {key: new for key, (_, new) in moved.items() if key in DECODING and _acts(key, settings)})


NEUTRAL = Preset("neutral", {"top_p": 1.0}, "the model's own distribution, nothing cut and nothing bent")
BUILT_IN: Mapping[int, Preset] = {
    1: NEUTRAL,
    2: Preset("careful", {"temperature": 0.6, "top_p": 1.0, "min_p": 0.1}, "close to what is likeliest"),
    3: Preset("balanced", {"temperature": 0.8, "top_p": 0.95, "min_p": 0.02}, "for most models and most texts"),
    4: Preset("wild", {"temperature": 1.5, "top_p": 1.0, "min_p": 0.1}, "bold, and still a language"),
    5: Preset("greedy", {"strategy": "greedy"}, "always the likeliest token; small models go round in circles"),
    6: Preset(
        "small model",
        {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.15, "no_repeat_ngram_size": 4},
        "keeps a model of less than a billion parameters from repeating itself",
    ),
    7: Preset("nucleus", {}, "top-p 0.9, the defaults of the run_generation script"),
    8: Preset("typical", {"top_p": 1.0, "typical_p": 0.9}, "neither the dullest tokens nor the oddest: for stories"),
    9: Preset(
        "poet",
        {"temperature": 1.2, "top_p": 1.0, "min_p": 0.06, "repetition_penalty": 1.2, "no_repeat_ngram_size": 3},
        "rare words, and none of them too often",
    ),
}


class Shelf:
    """The nine presets: the user's own where there are some, else those that come with the program."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_path("presets.toml")
        self.complaints: list[str] = []
        """What in the file could not be taken, a line each; a file with complaints is not written over."""
        self._own: dict[int, Preset] = {}

    def __getitem__(self, digit: int) -> Preset:
        return self._own.get(digit) or BUILT_IN[digit]

    def __iter__(self) -> Iterator[tuple[int, Preset]]:
        return ((digit, self[digit]) for digit in DIGITS)

    def is_own(self, digit: int) -> bool:
        """Whether the user keeps a preset of their own there."""
        return digit in self._own

    def load(self) -> None:
        """Read the file, if there is one; what is wrong with it stands in `complaints`."""
        self.complaints, self._own = [], {}
        try:
            text = read_text(self.path)
            tables = parse_toml(text, self.path) if text else {}
        except ConfigError as error:
            self.complaints.append(f"{error}; the presets are those that come with the program")
            return
        for key, table in tables.items():
            try:
                self._own[_digit(key)] = _preset(table)
            except EngineError as error:
                line = line_of(text or "", key)
                self.complaints.append(
                    f"{home_path(self.path)}{f' line {line}' if line else ''}: {error}; it is passed over"
                )

    def keep(self, digit: int, preset: Preset) -> None:
        """Keep a preset under a digit, in the file too. Raises `ConfigError`, and then nothing has changed."""
        # Read once more: another session may have kept one since.
        fresh = Shelf(self.path)
        fresh.load()
        if fresh.complaints:
            raise ConfigError(f"{fresh.complaints[0]}; mend the file, so that nothing in it is lost")
        own = fresh._own | {digit: preset}
        write_text(self.path, _HEADER + "".join(_table(digit, own[digit]) for digit in sorted(own)))
        self._own = own

    def in_force(self, settings: Settings) -> int | None:
        """The digit of the first preset that the decoding settings are exactly those of."""
        return next((digit for digit, preset in self if preset.is_in_force(settings)), None)


def from_generation_config(path: Path, name: str = "") -> tuple[Preset, list[str]]:
    """A preset from a generation_config.json, and what was left out of it, a line each.

    An absent name has the library's default, and lengths, stops and the like are left alone, as by any preset.
    Raises `ConfigError`.
    """
    text = read_text(path)
    if text is None:
        raise ConfigError(f"{home_path(path)}: there is no such file")
    taken, left_out = {}, []
    for key, value in parse_json(text, path).items():
        try:
            Settings.from_generation_config({key: value})
        except SettingError as error:
            # One by one a value may miss what it goes with; only a name that is not known is left out.
            if key != "do_sample" and key.replace("-", "_") not in PARAMETERS:
                left_out.append(str(error))
                continue
        taken[key] = value
    try:
        settings = Settings.from_generation_config(taken)
        return Preset.of(name or path.stem, settings), left_out
    except SettingError as error:
        raise ConfigError(f"{home_path(path)}: {error}") from error


def to_generation_config(settings: Settings) -> dict[str, Any]:
    """The decoding settings by GenerationConfig's names, as JSON has them: what differs from the library's defaults."""
    config: dict[str, Any] = {"do_sample": settings.draws}
    plain = settings.to_dict()
    for name, parameter in PARAMETERS.items():
        decodes = name in DECODING or parameter.under  # forced words and the like are of no use without their strategy
        if decodes and _acts(name, settings) and name not in ("strategy", "do_sample"):
            value = plain[name]
            if getattr(settings, name) != parameter.check(parameter.upstream):
                config[name] = {"true": True, "false": False}.get(value, value) if parameter.choices else value
    if strategy_of(config) != settings.strategy:
        config["strategy"] = settings.strategy  # the library's names alone would give another one
    return config


def _acts(name: str, settings: Settings) -> bool:
    under = PARAMETERS[name].under
    return not under or settings.strategy in under


def _digit(key: str) -> int:
    if len(key) == 1 and key in "123456789":
        return int(key)
    raise SettingError(f"[{shown(key)}]: a preset's table is one of [1] to [9]")


def _preset(table: Any) -> Preset:
    if not isinstance(table, dict):
        raise SettingError(f"{shown(table)}: must be a table with a name and settings")
    values = dict(table)
    name = values.pop("name", "")
    if not isinstance(name, str) or not name.strip():
        raise SettingError("a preset needs a name")
    return Preset(" ".join(name.split())[:NAME_LENGTH], dict(named_value(key, value) for key, value in values.items()))


def _table(digit: int, preset: Preset) -> str:
    lines = [f"\n[{digit}]", f"name = {toml_value(preset.name)}"]
    lines += [f"{toml_key(name)} = {toml_value(value)}" for name, value in preset.differences.items()]
    return "\n".join(lines) + "\n"
