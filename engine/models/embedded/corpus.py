"""Reading a folder of plain text: files, documents, the held-out part, hashes."""

from __future__ import annotations

import hashlib
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.models.embedded.recipe import TrainingError

SUFFIXES = (".txt", ".txt.xz")
_BLANK = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file of text: documents parted by blank lines, a paragraph a line."""

    name: str
    """The file's name without its suffixes."""
    sha256: str
    """Of the unpacked bytes."""
    characters: int
    documents: tuple[str, ...]
    """In the file's order; lines end in one newline, none at a document's end."""

    def training(self, every: int) -> Iterator[str]:
        """The documents a model may learn from."""
        return (text for i, text in enumerate(self.documents) if not self._held_out(i, every))

    def held_out(self, every: int) -> Iterator[str]:
        """The documents kept for measuring: one in `every`, or the last of a short file of several."""
        return (text for i, text in enumerate(self.documents) if self._held_out(i, every))

    def _held_out(self, index: int, every: int) -> bool:
        if len(self.documents) < every:
            return 0 < index == len(self.documents) - 1
        return index % every == every // 2


def read_folder(folder: Path) -> list[TextFile]:
    """Every `.txt` and `.txt.xz` file of `folder` (not of its sub-folders), by name.

    Raises TrainingError if there is none, if all are blank, or if one cannot be read as UTF-8.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder")
    paths = sorted(p for p in folder.iterdir() if p.name.endswith(SUFFIXES) and p.is_file())
    files = [f for f in map(read_file, paths) if f.documents]
    if not files:
        raise TrainingError(f"{folder} holds no text: expected files ending in {' or '.join(SUFFIXES)}")
    return files


def read_file(path: Path) -> TextFile:
    """Read one file, unpacking it if its name ends in `.xz`.

    Raises TrainingError if it is unreadable, badly packed or not UTF-8.
    """
    try:
        raw = path.read_bytes()
        if path.suffix == ".xz":
            raw = lzma.decompress(raw)
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path} is not UTF-8 text: bad byte at {error.start}") from error
    except (OSError, lzma.LZMAError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
    return TextFile(
        name=path.name.removesuffix(".xz").removesuffix(".txt"),
        sha256=hashlib.sha256(raw).hexdigest(),
        characters=len(text),
        documents=tuple(split_documents(text)),
    )


def split_documents(text: str) -> list[str]:
    """The documents of a text: runs of lines with blank lines between them."""
    text = text.replace("\r\n", "\n").strip()
    return _BLANK.split(text) if text else []
