"""A file of words: named by its path, remembered with a hash of its text, so that a change of the file is noticed.

The value of the setting is `path#hash`. A path alone is read at once and gets its hash; a value that has one, as
transcripts do, is read when the words are wanted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from engine.errors import FileError, SettingError, shown
from engine.text_files import path_of, read_text

MOST = 200_000
"""Different words that a list may have."""
_MARKED = re.compile(r"(?s)(.+)#([0-9a-f]{16})")
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+(?:['’](?:[^\W_]|[\u0300-\u036f])+)*")


def word_list(value: object) -> str:
    """The checked value; empty is none. Raises `SettingError` for a file that cannot be read or has no words."""
    if not isinstance(value, str):
        raise ValueError("not a path")
    return value if not value or _MARKED.fullmatch(value) else f"{value}#{_read(value)[1]}"


@lru_cache(maxsize=2)
def words_of(value: str) -> tuple[str, ...]:
    """The words, small and each once. Raises `SettingError` where the file is no longer what it was."""
    marked = _MARKED.fullmatch(value)
    assert marked, value
    words, mark = _read(marked[1])
    if mark != marked[2]:
        raise SettingError(f"word_list {_shown(marked[1])}: the file has changed since it was set; set it anew")
    return words


def _read(name: str) -> tuple[tuple[str, ...], str]:
    try:
        text = read_text(path_of(name), name=f"word_list {_shown(name)}")
    except FileError as error:
        raise SettingError(str(error)) from error
    found = sorted({word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", text))})
    if not found:
        raise SettingError(f"word_list {_shown(name)}: no word in it")
    if len(found) > MOST:
        raise SettingError(f"word_list {_shown(name)}: {len(found)} words, more than the {MOST} that are taken")
    return tuple(found), hashlib.sha256(text.encode()).hexdigest()[:16]


def _shown(name: str) -> str:
    return shown(name if len(name) <= 60 else "…" + name[-59:])
