"""The config file as it is at first: every option, commented out at its default, with its help."""

from __future__ import annotations

from textwrap import wrap

from engine.settings import PARAMETERS
from engine.user_files import toml_key, toml_value
from tui.config.declaration import OPTIONS, Option
from tui.config.starting import SESSION

WIDTH = 100
_HEADER = """\
# textgen-tui's configuration. A line that begins with # has no effect: take the # away to change an option.
# Flags of the command line win over this file. `textgen-tui config` checks it.
"""


def commented() -> str:
    """The text of the file: taken as it stands it changes nothing."""
    plain = [_plain(option) for option in OPTIONS.values() if not option.is_table]
    return "\n".join([_HEADER, *plain, _settings(), _keys()])


def _plain(option: Option) -> str:
    return f"{_remark(f'{option.help} Takes {option.takes}.')}# {option.name} = {toml_value(option.default)}\n"


def _settings() -> str:
    lines = [_remark(OPTIONS["settings"].help), "[settings]\n"]
    for parameter in PARAMETERS.values():
        value = getattr(SESSION, parameter.name)
        # None is no value of TOML: what is found out, or not asked for, is written as its word.
        default = toml_value(parameter.format(None) if value is None else value)
        lines.append(f"\n{_remark(f'{parameter.help} Takes {parameter.bounds}.')}# {parameter.name} = {default}\n")
    return "".join(lines)


def _keys() -> str:
    from tui.actions import ACTIONS

    lines = [_remark(OPTIONS["keys"].help), "[keys]\n"]
    for action in ACTIONS:
        lines.append(f"# {toml_key(action.id)} = {toml_value(list(action.keys))}  # {action.help}\n")
    return "".join(lines)


def _remark(text: str) -> str:
    return "".join(f"# {line}\n" for line in wrap(text, WIDTH))
