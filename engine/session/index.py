"""The digests of many transcripts, kept: a file is read again where its time or size has changed, and else never.

It is a copy and nothing more: where it cannot be read or written, the digests are made anew and kept in memory.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import fields, replace
from pathlib import Path

from engine.errors import TranscriptError
from engine.session.digest import Digest, digest
from engine.session.reading import read

FILE = "index.sqlite"
_VERSION = 1
_KEPT_EVERY = 50
_TOLD = [field.name for field in fields(Digest) if field.name != "text"]
_COLUMNS = ", ".join([*_TOLD, "text"])
_MAKE = (
    f"CREATE TABLE IF NOT EXISTS seen (path BLOB PRIMARY KEY, changed INTEGER, size INTEGER, {_COLUMNS}, folded TEXT)"
)

Seen = tuple[Path, os.stat_result, Digest]


class Index:
    """Digests by path, time and size. Several threads may ask at once."""

    def __init__(self, file: Path) -> None:
        self._database = _opened(file)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def digests(self, paths: Iterable[Path], is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[Seen]:
        """The digest of each file that can be read, in the order of the paths; the texts are left out."""
        unkept = 0
        for path in paths:
            if is_cancelled():
                break
            try:
                found = path.stat()
                known = self._known(path, found)
                if known is None:
                    known = digest(read(path))
                    self._keep(path, found, known)
                    known = replace(known, text="")
                    unkept += 1
            except (OSError, TranscriptError):
                continue
            if unkept >= _KEPT_EVERY:
                self._commit()
                unkept = 0
            yield path, found, known
        self._commit()

    def text(self, path: Path) -> str:
        """The text of a file whose digest was told."""
        with suppress(sqlite3.Error):
            row = self._database.execute("SELECT text FROM seen WHERE path = ?", (os.fsencode(path),)).fetchone()
            return str(row[0]) if row is not None else ""
        return ""

    def holding(self, words: Iterable[str], is_cancelled: Callable[[], bool] = lambda: False) -> set[Path]:
        """The files whose text, model or name has all these words in it, whichever their case."""
        folded = [word.casefold() for word in words]
        where = " AND ".join("instr(folded, ?)" for _ in folded) or "1"
        found: set[Path] = set()
        with suppress(sqlite3.Error):
            for (path,) in self._database.execute(f"SELECT path FROM seen WHERE {where}", folded):
                if is_cancelled():
                    break
                found.add(Path(os.fsdecode(path)))
        return found

    def forget_all_but(self, paths: Iterable[Path]) -> None:
        """What is no longer there is no longer kept."""
        there = {os.fsencode(path) for path in paths}
        with suppress(sqlite3.Error):
            gone = [(path,) for (path,) in self._database.execute("SELECT path FROM seen") if path not in there]
            self._database.executemany("DELETE FROM seen WHERE path = ?", gone)
            self._commit()

    def _known(self, path: Path, found: os.stat_result) -> Digest | None:
        with suppress(sqlite3.Error):
            row = self._database.execute(
                f"SELECT {', '.join(_TOLD)} FROM seen WHERE path = ? AND changed = ? AND size = ?",
                (os.fsencode(path), found.st_mtime_ns, found.st_size),
            ).fetchone()
            if row is not None:
                values = dict(zip(_TOLD, row, strict=True))
                return Digest(**values | {"ended": bool(values["ended"])})
        return None

    def _keep(self, path: Path, found: os.stat_result, known: Digest) -> None:
        folded = " ".join(f"{path.stem} {known.model} {known.text}".split()).casefold()
        told = (*(getattr(known, name) for name in _TOLD), known.text, folded)
        row = (os.fsencode(path), found.st_mtime_ns, found.st_size, *told)
        row = tuple(value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in row)
        with suppress(sqlite3.Error):
            self._database.execute(f"INSERT OR REPLACE INTO seen VALUES ({', '.join('?' * len(row))})", row)

    def _commit(self) -> None:
        with suppress(sqlite3.Error):
            self._database.commit()


def _opened(file: Path) -> sqlite3.Connection:
    for attempt in (file, file, None):
        try:
            return _made(attempt)
        except (sqlite3.Error, OSError, ValueError):
            if attempt is not None:  # not ours, or broken: it can be made anew from the transcripts
                with suppress(OSError, ValueError):
                    attempt.unlink(missing_ok=True)
    raise AssertionError("memory has room for an empty table")


def _made(file: Path | None) -> sqlite3.Connection:
    if file is not None:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # it holds what the transcripts hold
    database = sqlite3.connect(":memory:" if file is None else file, timeout=2, check_same_thread=False)
    try:
        with closing(database.cursor()) as cursor:
            cursor.execute("PRAGMA secure_delete = ON")  # what was deleted is not to be found in it either
            (version,) = cursor.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                cursor.execute("DROP TABLE IF EXISTS seen")
                cursor.execute(_MAKE)
                cursor.execute(f"PRAGMA user_version = {_VERSION}")
            cursor.execute(f"SELECT path, folded, {_COLUMNS} FROM seen LIMIT 1")
            database.commit()
    except BaseException:
        database.close()
        raise
    return database
