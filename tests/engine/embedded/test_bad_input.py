"""What a run gets that cannot start or go on: one clear line, and nothing half-written."""

from __future__ import annotations

import lzma
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.models.embedded.checkpoint import RESUME, WEIGHTS
from engine.models.embedded.loop import Job, Progress, Sampled, train
from engine.models.embedded.recipe import TrainingError
from engine.models.embedded.train import line, main
from engine.safe_text import safe_text

from .tiny import TINY, TINY_ARGUMENTS, write_folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "text")


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that is said of a command that ends with status 2."""
    assert main([*arguments, "--steps", "1", *TINY_ARGUMENTS]) == 2
    error = capsys.readouterr().err
    assert error.startswith("train: ") and error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("documents", "settings", "said"),
    [
        (1, ["--set", "context=512"], "tales is too short"),
        (4, ["--set", "batch=500"], "smaller than one batch"),
        (40, ["--mix", "poems=1"], "no such file of text"),
        (40, ["--mix", "tales=-1"], "must be positive numbers"),
        (40, ["--mix", "tales=nan"], "must be positive numbers"),
        (40, ["--set", "widht=8"], "no setting 'widht'"),
        (40, ["--device", "abacus"], "must be auto, cpu, cuda"),
        (40, ["--device", "cuda:99"], "there is none on this machine"),
    ],
)
def test_bad_settings(
    documents: int, settings: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write_folder(tmp_path / "text", documents), tmp_path / "out"
    # The settings come last, so that one of the tiny recipe's can be set anew.
    assert main(["--text", str(folder), "--out", str(out), "--steps", "1", *TINY_ARGUMENTS, *settings]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not out.exists()


def empty(folder: Path) -> None:
    (folder / "notes.md").write_text("# not text", encoding="utf-8")


def blank(folder: Path) -> None:
    (folder / "a.txt").write_text(" \n\n\t\n", encoding="utf-8")


def latin(folder: Path) -> None:
    write_folder(folder)
    (folder / "b.txt").write_bytes("déjà vu\x1b[2J".encode("latin-1"))


def torn(folder: Path) -> None:
    (folder / "a.txt.xz").write_bytes(lzma.compress(b"text " * 100)[:-20])


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (empty, "holds no text: expected files ending in .txt"),
        (blank, "holds no text"),
        (latin, "b.txt is not UTF-8 text: bad byte at 1"),
        (torn, "a.txt.xz cannot be read"),
    ],
)
def test_a_bad_folder_of_text(
    fill: Callable[[Path], None], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "text", tmp_path / "out"
    folder.mkdir()
    fill(folder)
    assert said in refused(["--text", str(folder), "--out", str(out)], capsys)
    assert not out.exists()


def test_a_folder_that_cannot_be_written(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    out = str(tmp_path / "file" / "out")
    assert f"cannot write to {out}" in refused(["--text", str(text), "--out", out], capsys)


def test_a_folder_that_holds_a_finished_model(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / WEIGHTS).write_bytes(b"a model")
    assert "already holds a finished model" in refused(["--text", str(text), "--out", str(out)], capsys)
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [(WEIGHTS, b"a model")]


def test_a_saved_run_of_another_size_or_text(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    stop_after(train(Job(text, out, steps=4, report_every=1, save_every=2), TINY), 2)
    saved = (out / RESUME).read_bytes()
    arguments = ["--text", str(text), "--out", str(out)]
    with pytest.raises(TrainingError, match="of another run: its width is 16, this one's is 32"):
        list(train(Job(text, out, steps=4), TINY.changed({"width": "32"})))
    other = str(write_folder(tmp_path / "other", 41))
    assert "its text or its mix" in refused(["--text", other, "--out", str(out)], capsys)
    assert (out / RESUME).read_bytes() == saved
    (out / RESUME).write_bytes(saved[:1000])
    assert f"{RESUME} cannot be read" in refused(arguments, capsys)


@contextmanager
def full_disk(left: int) -> Iterator[None]:
    """No file can grow beyond `left` bytes: the system itself refuses the rest of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("left", [0, 5000])
def test_a_disk_that_fills_while_the_state_is_saved(text: Path, tmp_path: Path, left: int) -> None:
    out = tmp_path / "out"
    events = train(Job(text, out, steps=4, report_every=1, save_every=2), TINY)
    stop_after(events, 1)
    before = (out / RESUME).read_bytes()
    with full_disk(left), pytest.raises(TrainingError, match="cannot write to ") as caught:
        list(events)
    assert "\n" not in str(caught.value)
    assert [path.name for path in out.iterdir()] == [RESUME]
    assert (out / RESUME).read_bytes() == before
    assert len(list(train(Job(text, out, steps=4), TINY))) == 2  # with room again, it goes on to the end


@pytest.mark.parametrize("left", [0, 1000, 15_000])
def test_a_disk_that_fills_while_the_model_is_written(text: Path, tmp_path: Path, left: int) -> None:
    """Each limit stops another file: the card, the tokenizer, the weights."""
    out = tmp_path / "out"
    events = train(Job(text, out, steps=1, report_every=1), TINY)
    stop_after(events, 1)
    with full_disk(left), pytest.raises(TrainingError, match="cannot write to ") as caught:
        list(events)
    assert "\n" not in str(caught.value)
    assert [path.name for path in out.iterdir()] == [RESUME]


def test_a_run_that_has_lost_its_way_stops_before_it_is_saved(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    wild = TINY.changed({"adam_rate": "1e30", "muon_rate": "1e30", "bfloat16": "false"})
    with pytest.raises(TrainingError, match="the loss is no number any more: try lower rates"):
        list(train(Job(text, out, steps=8, report_every=2, save_every=4), wild))
    assert [path.name for path in out.iterdir()] == [RESUME]


def test_what_a_model_wrote_is_told_on_one_safe_line(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote = Sampled(250, "Rain", " fell\n\x1b[2J")
    monkeypatch.setattr("engine.models.embedded.train.train", lambda *_: iter([wrote]))
    assert main(["--text", str(text), "--out", str(tmp_path / "out"), "--steps", "1"]) == 0
    assert capsys.readouterr().out == safe_text(line(wrote)) + "\n"
    assert line(wrote).startswith("step 250  Rain fell / ") and "\x1b" not in safe_text(line(wrote))


def stop_after(events: Iterator[object], step: int) -> None:
    for event in events:
        if isinstance(event, Progress) and event.step == step:
            return
