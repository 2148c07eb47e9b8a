"""The user's configuration: one TOML file, declared in one place, read with care.

Nothing here imports textual, so that the command can look at it at once; the keys are checked beside their registry,
in `tui/config/keys.py`.
"""

from tui.config.declaration import FILE_NAME, Config
from tui.config.reading import read

__all__ = ["FILE_NAME", "Config", "read"]
