from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

import pytest

from engine.models.embedded.corpus import read_file, read_folder, split_documents
from engine.models.embedded.recipe import TrainingError


def test_documents_are_parted_by_blank_lines() -> None:
    text = "\n\nOne.\nStill one.\r\n\r\nTwo.\n \t\n\n\nThree.\n"
    assert split_documents(text) == ["One.\nStill one.", "Two.", "Three."]
    assert split_documents(" \n\n") == []


def test_reads_plain_and_packed_files_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Plain.\n\nText.", encoding="utf-8")
    packed = "Packed — text.".encode()
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress(packed))
    (tmp_path / "notes.md").write_text("# not text", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    files = read_folder(tmp_path)
    assert [(f.name, f.documents) for f in files] == [("a", ("Packed — text.",)), ("b", ("Plain.", "Text."))]
    assert files[0].sha256 == hashlib.sha256(packed).hexdigest()
    assert files[1].characters == 13


@pytest.mark.parametrize("count", [1, 2, 7, 10, 11, 35])
def test_every_document_is_trained_on_or_held_out(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(str(i) for i in range(count)), encoding="utf-8")
    file = read_file(path)
    training, held_out = list(file.training(10)), list(file.held_out(10))
    assert sorted(training + held_out) == sorted(file.documents)
    assert training
    assert len(held_out) == {1: 0, 2: 1, 7: 1, 10: 1, 11: 1, 35: 3}[count]


def test_a_folder_without_text(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no text"):
        read_folder(tmp_path)
    with pytest.raises(TrainingError, match="is not a folder"):
        read_folder(tmp_path / "absent")


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("déjà vu".encode("latin-1"))
    with pytest.raises(TrainingError, match=r"latin\.txt is not UTF-8 text: bad byte at 1"):
        read_folder(tmp_path)


def test_a_damaged_archive(tmp_path: Path) -> None:
    (tmp_path / "torn.txt.xz").write_bytes(lzma.compress(b"text" * 100)[:-20])
    with pytest.raises(TrainingError, match=r"torn\.txt\.xz cannot be read"):
        read_folder(tmp_path)
