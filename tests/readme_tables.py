"""The README's tables, made from their declarations. `python -m tests.readme_tables` writes them into the README."""

from __future__ import annotations

import re
from pathlib import Path

from engine.presets import BUILT_IN
from engine.settings import PARAMETERS
from engine.settings.names import STRATEGIES
from engine.settings.parameter import Parameter
from engine.user_files import toml_value
from tui.actions import ACTIONS, Actions
from tui.config.declaration import OPTIONS
from tui.library_actions import LIBRARY
from tui.model_list_actions import MODELS

README = Path(__file__).parent.parent / "README.md"


SIGNS = {"question_mark": "?", "greater_than_sign": ">", "less_than_sign": "<", "comma": ","}


def keys_table(actions: Actions = ACTIONS) -> str:
    """Every key and what it does."""
    lines = [f"| {' '.join(f'`{_signed(key)}`' for key in entry.keys)} | {entry.help} |" for entry in actions.entries()]
    return "\n".join(["| key | what it does |", "| --- | --- |", *lines])


def settings_table() -> str:
    """Every setting: name and flags, default, bounds, when it acts and under which strategies, what it does."""
    lines = [_settings_row(parameter) for parameter in PARAMETERS.values()]
    return "\n".join(
        ["| setting | default | takes | | under | what it does |", "| --- | --- | --- | --- | --- | --- |", *lines]
    )


def config_table() -> str:
    """Every option of the config file: name, default, what it takes, what it does."""
    lines = [
        f"| `{option.name}` | {'' if option.is_table else f'`{toml_value(option.default)}`'} | "
        f"{option.takes} | {option.help} |"
        for option in OPTIONS.values()
    ]
    return "\n".join(["| option | default | takes | what it does |", "| --- | --- | --- | --- |", *lines])


def presets_table() -> str:
    """The presets that come with the program, and what each changes of the defaults."""
    lines = []
    for digit, preset in BUILT_IN.items():
        values = ", ".join(f"{name} {PARAMETERS[name].format(value)}" for name, value in preset.differences.items())
        lines.append(f"| {digit} | {preset.name} | {values or 'nothing'} | {preset.help} |")
    return "\n".join(
        ["| | preset | differs from the defaults by | what it is for |", "| --- | --- | --- | --- |", *lines]
    )


def _signed(key: str) -> str:
    before, plus, last = key.rpartition("+")
    return before + plus + SIGNS.get(last, last)


def library_table() -> str:
    """The keys of the library's screen."""
    return keys_table(LIBRARY)


def models_table() -> str:
    """The keys of the models' screen."""
    return keys_table(MODELS)


TABLES = {
    "keys": keys_table,
    "library": library_table,
    "models": models_table,
    "settings": settings_table,
    "config": config_table,
    "presets": presets_table,
}


def with_tables(text: str) -> str:
    """The README's text with all tables made anew after their marks."""
    for mark, table in ((f"<!-- {name} -->", made()) for name, made in TABLES.items()):
        pattern = re.escape(mark) + r"\n(\n\|[^\n]*(\n\|[^\n]*)*\n)?"
        text, count = re.subn(pattern, lambda _, m=mark, t=table: f"{m}\n\n{t}\n", text)
        assert count == 1, f"{mark} stands {count} times in the README"
    return text


def _settings_row(parameter: Parameter) -> str:
    names = ", ".join(f"`--{flag.removeprefix('--')}`" for flag in (parameter.name, *parameter.flags))
    default = parameter.format(parameter.default) or "empty"
    paper = f" ({parameter.paper})" if parameter.paper else ""
    live = "●" if parameter.live else "○"
    return f"| {names} | {default} | {parameter.bounds} | {live} | {_under(parameter)} | {parameter.help}{paper} |"


def _under(parameter: Parameter) -> str:
    """The strategies that it acts under; the one that is missing is shorter to say."""
    if not parameter.under:
        return "all"
    others = [strategy for strategy in STRATEGIES if strategy not in parameter.under]
    return f"all but {others[0]}" if len(others) == 1 else ", ".join(parameter.under)


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
