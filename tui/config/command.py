"""`textgen-tui config`: where the config file is; writes one where none is, checks the one that is there."""

from __future__ import annotations

from collections.abc import Sequence

from engine.command_line import PROGRAM, Parser, put, tell
from engine.presets import Shelf
from engine.user_files import config_path, read_text, write_text
from tui.config.declaration import FILE_NAME
from tui.config.reading import read
from tui.config.writing import commented


def main(argv: Sequence[str]) -> None:
    """Say where the file is. Exit status 1 where something in it is passed over, a line each on standard error."""
    Parser(
        prog=f"{PROGRAM} config",
        description="Say where the config file is. Where there is none, write one with every option explained and "
        "commented out; where there is one, check it.",
    ).parse_args(argv)
    path = config_path(FILE_NAME)
    if read_text(path) is None:
        write_text(path, commented())
        put(f"{path}: written, every option commented out")
        return
    complaints = _complaints()
    if not complaints:
        put(f"{path}: read, nothing to complain of")
        return
    put(f"{path}: read, but for this:")
    for complaint in complaints:
        tell(complaint)
    raise SystemExit(1)


def _complaints() -> list[str]:
    from tui.actions import ACTIONS
    from tui.config.keys import configured

    config = read(config_path(FILE_NAME))
    shelf = Shelf()
    shelf.load()
    return [*config.complaints, *configured(ACTIONS, config)[1], *shelf.complaints]
