"""What tells one model's files from another's."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

import engine
from engine.models import fingerprint as room
from engine.models.fingerprint import fingerprint
from tests.models import saved, tiny_gpt2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tiny_gpt2(), tmp_path / "model")


def test_it_is_the_sum_of_the_weights(folder: Path) -> None:
    found = fingerprint(folder)
    assert found.keys() == {"weights", "files"}
    assert found["weights"] == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    shutil.copytree(folder, folder.parent / "copy")
    assert fingerprint(folder.parent / "copy") == found
    assert engine.load(str(folder), device="cpu").identity().items() >= found.items()


@pytest.mark.parametrize("kept_from", [0, 10**9])
def test_one_bit_of_the_weights_tells(folder: Path, monkeypatch: pytest.MonkeyPatch, kept_from: int) -> None:
    """Also where sums are kept, and the file has the same size and time as before."""
    monkeypatch.setattr(room, "_KEPT_FROM", kept_from)
    before, file = fingerprint(folder), folder / "model.safetensors"
    facts, raw = file.stat(), bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    after = fingerprint(folder)
    assert after["weights"] != before["weights"] and after["files"] == before["files"]
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert fingerprint(folder)["files"] != before["files"]


def test_a_large_file_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_KEPT_FROM", 0)
    before = fingerprint(folder)
    monkeypatch.setattr(room, "_read", lambda file: pytest.fail(f"{file} was read again"))
    assert fingerprint(folder) == before


def test_a_blob_of_the_hub_is_named_by_its_sum(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = folder.parent / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    (folder.parent / "blobs").mkdir()
    blob = folder.parent / "blobs" / fingerprint(folder)["weights"]
    (folder / "model.safetensors").rename(blob)
    (snapshot / "model.safetensors").symlink_to(blob)
    monkeypatch.setattr(room, "_read", lambda file: pytest.fail(f"{file} was read"))
    found = fingerprint(snapshot)
    assert (found["weights"], found["revision"]) == (blob.name, "0123abcd")
