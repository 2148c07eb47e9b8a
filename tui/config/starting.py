"""Where a session begins: the defaults, the config over them, the command line over both."""

from __future__ import annotations

import argparse
from dataclasses import replace

from engine.command_line import settings_from
from engine.errors import SettingError
from engine.settings import Settings
from tui.config.declaration import Config

# run_generation's twenty tokens are few to watch; the session begins with more.
SESSION = Settings(max_new_tokens=200)


def starting(args: argparse.Namespace, config: Config) -> tuple[Settings, Config]:
    """The settings to begin with. Flags that the config's settings do not go with win: the latter are left out, and
    that is one more complaint. Raises `SettingError` for flags that are wrong by themselves.
    """
    given = settings_from(args, SESSION)
    try:
        return settings_from(args, SESSION.changed(**config.settings)), config
    except SettingError as error:
        complaint = f"{error}; the config's settings do not go with the flags and are passed over"
        return given, replace(config, complaints=(*config.complaints, complaint))
