"""What a path that is being typed may become."""

from __future__ import annotations

import os
from typing import NamedTuple

from engine.errors import FileError
from engine.text_files import path_of, reason, shown_path

_MOST_SEEN = 5000
_MOST_TOLD = 200


class Entry(NamedTuple):
    """A file or a folder that the typed text may mean."""

    text: str
    """What would stand in the field."""
    name: str
    """Its own name, with a slash at the end of a folder's."""


def completions(typed: str) -> list[Entry]:
    """The entries of the typed folder that begin as its last part does: folders, then files, by name.

    Hidden ones are there where the last part begins with a dot. Raises `FileError` where there is no such folder.
    """
    head, slash, last = typed.rpartition("/")
    folder = path_of(head + slash) if slash else path_of(".")
    found: list[tuple[bool, str]] = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_MOST_SEEN), entries, strict=False):
                if entry.name.lower().startswith(last.lower()) and (last.startswith(".") or entry.name[0] != "."):
                    found.append((not _is_folder(entry), entry.name))
    except (OSError, ValueError) as error:
        raise FileError(f"{shown_path(folder)}: {reason(error)}") from error
    found.sort(key=lambda pair: (pair[0], pair[1].lower(), pair[1]))
    ends = [(name if is_file else f"{name}/") for is_file, name in found[:_MOST_TOLD]]
    return [Entry(head + slash + name, name) for name in ends]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
