"""Files that a person names: read or refused in a line, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine import text_files
from engine.errors import FileError, NameTakenError
from engine.text_files import path_of, read_text, write_text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        (b"\xef\xbb\xbfsigned", "signed"),
        ("žluť 🙂\x1b[2J".encode(), "žluť 🙂\x1b[2J"),
    ],
)
def test_a_text_is_read(tmp_path: Path, raw: bytes, text: str) -> None:
    (tmp_path / "f").write_bytes(raw)
    assert read_text(tmp_path / "f") == text


@pytest.mark.parametrize(
    ("raw", "why"), [(b"ab\xffcd", "line 1: no UTF-8 text"), (b"ab\0cd", "binary"), (b"x" * 101, "larger than")]
)
def test_what_is_no_text_is_refused_in_a_line(tmp_path: Path, raw: bytes, why: str) -> None:
    (tmp_path / "f").write_bytes(raw)
    with pytest.raises(FileError, match=why):
        read_text(tmp_path / "f", 100)


def test_what_is_no_file_is_refused_in_a_line_and_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "a pipe"),
        (Path("/dev/zero"), "a device"),
        (tmp_path / "gone\x1b", "No such file"),
        (tmp_path / ("x" * 300), "too long"),
        (tmp_path / "a\0b", "null"),
    ):
        with pytest.raises(FileError, match=why) as told:
            read_text(path)
        assert str(told.value).isprintable()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").touch(mode=0)
    with pytest.raises(FileError, match="Permission denied"):
        read_text(tmp_path / "f")


def test_names_are_paths_with_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("~/x") == tmp_path / "x" and path_of("a b") == Path("a b")
    assert text_files.shown_path(tmp_path / "x") == "~/x"
    for name in ("", "  ", "a\0b", "~no-such-user-at-all/x"):
        with pytest.raises(FileError):
            path_of(name)


def test_a_file_is_never_written_over_unless_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_text(path, "one")
    with pytest.raises(NameTakenError, match="there is a file of this name"):
        write_text(path, "two")
    assert path.read_text() == "one"
    path.chmod(0o640)
    write_text(path, "three \ud800", over=True)
    assert path.read_text() == "three ?" and path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def test_a_private_file_is_for_its_owner(tmp_path: Path) -> None:
    write_text(tmp_path / "f", "x", private=True)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_without_links_a_file_is_still_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    write_text(tmp_path / "f", "one")
    with pytest.raises(NameTakenError):
        write_text(tmp_path / "f", "two")
    assert (tmp_path / "f").read_text() == "one" and len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_written_is_told_and_leaves_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("old")
    for path, why in (
        (tmp_path, "a folder"),
        (tmp_path / "f" / "g", "Not a directory"),
        (tmp_path / "no" / "g", "No such file"),
        (tmp_path / ("x" * 300), "too long"),
        (Path("/dev/null"), "a device"),
    ):
        with pytest.raises(FileError, match=why) as told:
            write_text(path, "new", over=True)
        assert str(told.value).isprintable()

    class Full:
        def __init__(self, descriptor: int, mode: str) -> None:
            self.descriptor = descriptor

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            os.close(self.descriptor)

        def write(self, raw: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(text_files.os, "fdopen", Full)
    with pytest.raises(FileError, match="No space left"):
        write_text(tmp_path / "f", "new", over=True)
    assert (tmp_path / "f").read_text() == "old" and list(tmp_path.iterdir()) == [tmp_path / "f"]
