"""What the setting `adapters` may become while it is typed: its last name, completed from the folders that are here."""

from __future__ import annotations

from os.path import isfile, join

from engine.errors import FileError
from engine.path_completion import completions
from engine.safe_text import safe_text
from engine.settings.adapters import CONFIG, written
from engine.text_files import path_of


def completed(text: str) -> str | None:
    """The text with its last name completed: to the first adapter that begins so, or the one folder on the way."""
    before, comma, typed = text.rpartition(",")
    bare = typed.lstrip()
    if "'" in text or "=" in typed:
        return None
    try:
        folders = [entry.text.rstrip("/") for entry in completions(bare) if entry.name.endswith("/")]
        found = [name for name in folders if isfile(join(path_of(name), CONFIG))]
    except FileError:
        return None
    if not found and bare and len(folders) == 1:
        found = [f"{folders[0]}/"]
    fit = [name for name in found if name.startswith(bare) and written([(name, 1)]) == name == safe_text(name)]
    return before + comma + typed[: len(typed) - len(bare)] + fit[0] if fit else None
