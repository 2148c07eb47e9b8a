"""`textgen-tui replay`: what it prints, when it fails, and that it loads nothing that was not allowed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import replay_command
from engine.models import for_replay
from engine.models.loaded import LoadedModel
from engine.session.playing import played
from engine.session.record import open_record
from engine.session.transcript import Transcript
from engine.settings import Settings
from tests.engine.session.test_replay import changed_line
from tests.models import saved, tiny_gpt2

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tiny_gpt2(), tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A record of two runs of a model in a folder."""
    path = tmp_path_factory.mktemp("record") / "session.jsonl"
    model, transcript = engine.load(str(folder), device="cpu"), Transcript(path)
    for number in range(2):
        settings = Settings(max_new_tokens=6, top_p=1.0, seed=number, eos_token_id=())
        transcript.run(model=model.identity(), prompt="the old", settings=settings, fresh=not number, how="new")
        for event in engine.generate(model, "the old", settings):
            transcript.event(event)
    return path.read_text()


@pytest.fixture
def file(made: str, tmp_path: Path) -> Path:
    path = tmp_path / "session.jsonl"
    path.write_text(made)
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str) -> tuple[int, str, str]:
        status = 0
        try:
            replay_command.main(words)
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        return status, *capsys.readouterr()

    return run


def test_it_is_identical(command: Command, file: Path, folder: Path) -> None:
    status, out, err = command(str(file), "--verify", "--model_name_or_path", str(folder))
    assert (status, out.splitlines()[-1], err) == (0, "identical: 2 runs, 12 tokens", "")


def test_the_first_token_that_differs_is_named(command: Command, file: Path, folder: Path) -> None:
    changed_line(file, "token", 8, id=7, logprob=-1.0)
    status, out, _ = command(str(file), "--verify", "--model_name_or_path", str(folder))
    assert status == 1 and "run 1 of 2: identical (6 tokens)" in out and "run 2 of 2: 2 of 6 tokens the same" in out
    assert "different: run 2, sequence 1, token 2:" in out and "probability 0.367879" in out
    assert "around it: nothing that the record knows of is different" in out
    status, out, _ = command(str(file), "--verify", "--json", "--model_name_or_path", str(folder))
    document = json.loads(out)
    assert (status, document["identical"], [run["agreeing"] for run in document["runs"]]) == (1, False, [6, 2])


def test_what_the_file_names_is_loaded_only_with_leave(
    command: Command, file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Any] = []
    real = for_replay.load

    def counted(name: str | None, **options: Any) -> LoadedModel:
        loads.append(name)
        return real(name, **options)

    monkeypatch.setattr(for_replay, "load", counted)
    status, out, _ = command(str(file), "--verify")
    assert (status, loads) == (2, []) and "only named by the file" in out
    status, out, _ = command(str(file), "--verify", "--trust-model-path")
    assert (status, loads) == (0, [str(folder)]), out


def test_nothing_is_fetched(command: Command, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*_: Any, **__: Any) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("engine.models.hub.HfApi", called)
    for number in range(2):
        changed_line(file, "run", number, model={"name": "nobody/nothing-of-this-name"})
    status, out, _ = command(str(file), "--verify", "--trust-model-path")
    assert status == 2 and out.count("not on this machine") == 2


def test_the_embedded_model_needs_no_leave(command: Command, file: Path) -> None:
    for number in range(2):
        changed_line(file, "run", number, model={"name": "embedded"})
    status, out, _ = command(str(file), "--verify")
    assert status == 1 and "different: run 1" in out


def test_the_text_from_the_file_alone(command: Command, file: Path) -> None:
    texts = [run.texts()[0] for run in open_record(file).runs]
    status, out, _ = command(str(file))
    name = open_record(file).runs[0].model_name
    assert status == 0 and all(f"\nthe old{text}\n" in out for text in texts) and f"RUN 2 OF 2 · {name} · new" in out
    _, out, _ = command(str(file), "--json")
    assert [run["texts"] for run in json.loads(out)] == [[text] for text in texts]


def test_it_is_played_at_its_own_pace_or_faster(file: Path) -> None:
    for place, seconds in enumerate((0.5, 0.7, 100.0, 99.0, 99.5, 99.6)):
        changed_line(file, "token", place, seconds=seconds)
    run = open_record(file).runs[0]
    waits = [wait for wait, event in played(run) if type(event).__name__ == "Token"]
    assert waits == pytest.approx([0.05, 0.2, 2.0, 0.0, 0.5, 0.1])
    assert sum(wait for wait, _ in played(run, 2.0)) == pytest.approx(sum(waits) / 2)
    assert sum(wait for wait, _ in played(run, 0.0)) == 0


def test_what_is_no_record_is_one_line(command: Command, tmp_path: Path) -> None:
    for content in (b"", b"Dear diary", b'{"event": "note", "level": "info", "code": "c", "text": "t"}\n'):
        (tmp_path / "x").write_bytes(content)
        status, out, err = command(str(tmp_path / "x"), "--verify")
        assert (status, out, err.count("\n")) == (2, "", 1)
    assert command(str(tmp_path / "absent"))[0] == 2
    assert command(str(tmp_path / "x"), "--speed", "-1")[0] == 2
