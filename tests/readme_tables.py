"""The README's tables, made from their declarations. `python -m tests.readme_tables` writes them into the README."""

from __future__ import annotations

import re
from pathlib import Path

from engine.settings import PARAMETERS
from engine.settings.parameter import Parameter
from tui.actions import ACTIONS

README = Path(__file__).parent.parent / "README.md"


def keys_table() -> str:
    """Every key and what it does."""
    lines = [
        f"| {' '.join(f'`{key}`' for key in entry.keys).replace('question_mark', '?')} | {entry.help} |"
        for entry in ACTIONS.entries()
    ]
    return "\n".join(["| key | what it does |", "| --- | --- |", *lines])


def settings_table() -> str:
    """Every setting: name and flags, default, bounds, when it acts, what it does."""
    lines = [_settings_row(parameter) for parameter in PARAMETERS.values()]
    return "\n".join(["| setting | default | takes | | what it does |", "| --- | --- | --- | --- | --- |", *lines])


def with_tables(text: str) -> str:
    """The README's text with both tables made anew after their marks."""
    for mark, table in (("<!-- keys -->", keys_table()), ("<!-- settings -->", settings_table())):
        pattern = re.escape(mark) + r"\n(\n\|[^\n]*(\n\|[^\n]*)*\n)?"
        text, count = re.subn(pattern, lambda _, m=mark, t=table: f"{m}\n\n{t}\n", text)
        assert count == 1, f"{mark} stands {count} times in the README"
    return text


def _settings_row(parameter: Parameter) -> str:
    names = ", ".join(f"`--{flag.removeprefix('--')}`" for flag in (parameter.name, *parameter.flags))
    default = parameter.format(parameter.default) or "empty"
    paper = f" ({parameter.paper})" if parameter.paper else ""
    return f"| {names} | {default} | {parameter.bounds} | {'●' if parameter.live else '○'} | {parameter.help}{paper} |"


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
