"""Adapters in a transcript: played again, told from others by their files, put on with leave alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine import Controls, Settings, replay_command, run_generation
from engine.errors import LoadError
from engine.models.adapters.files import find
from engine.models.for_replay import ReplayModels
from engine.models.loaded import LoadedModel
from engine.session.record import open_record
from engine.session.replay import OneModel, replay
from engine.session.transcript import Transcript
from engine.session.verdict import RunVerdict
from engine.settings.adapters import names
from tests.adapters import lora, named
from tests.models import PROMPT, end, ids, play, saved, tiny_gpt2

SETTINGS = Settings(max_new_tokens=10, top_p=1.0, seed=5, eos_token_id=())


@pytest.fixture
def model() -> LoadedModel:
    return tiny_gpt2()


@pytest.fixture
def recorded(model: LoadedModel, tmp_path: Path) -> Path:
    """Two runs, the second of which goes on: the first switches to another adapter, the second to none."""
    poems, tales = (lora(tmp_path / name, model, ["c_attn"], seed=at) for at, name in enumerate(("poems", "tales")))
    transcript, prompt = Transcript(tmp_path / "session.jsonl"), list(PROMPT)
    for adapters, other in ((named((poems, 0.8)), named((tales, 1.0), (poems, 0.2))), (named((tales, 1.0)), "")):
        settings = SETTINGS.changed(adapters=adapters)
        identity = model.identity(names(adapters))
        transcript.run(model=identity, prompt="", settings=settings, how="new", fresh=len(prompt) == len(PROMPT))
        events = play(model, prompt, settings, Controls(schedule={4: {"adapters": other}}))
        for event in events:
            transcript.event(event)
        prompt += ids(events)
    transcript.close()
    return transcript.path


def verdicts(path: Path, models: Any) -> list[RunVerdict]:
    return [item for item in replay(open_record(path), models) if isinstance(item, RunVerdict)]


def test_a_session_with_changes_is_the_same_again(model: LoadedModel, recorded: Path, tmp_path: Path) -> None:
    found = verdicts(recorded, OneModel(model))
    assert [(verdict.tokens, verdict.agreeing, verdict.error, verdict.environment) for verdict in found] == [
        (10, 10, "", [])
    ] * 2
    assert all(verdict.identical for verdict in found)
    first, second = open_record(recorded).runs
    poems, tales = (find(str(tmp_path / name)).identity() for name in ("poems", "tales"))
    assert list(first.adapter_files) == [poems, tales, poems] and list(second.adapter_files) == [tales]
    assert first.adapters == [poems["name"], tales["name"]]
    assert [(change.at, change.name, change.new) for change in second.changes] == [(4, "adapters", "")]


def test_other_files_of_that_name_are_told(model: LoadedModel, recorded: Path, tmp_path: Path) -> None:
    lora(tmp_path / "tales", tiny_gpt2(), ["c_attn"], seed=7)
    first, second = verdicts(recorded, OneModel(model))
    assert first.difference is not None and first.difference.index == 4
    assert not second.identical
    for verdict in (first, second):
        (line,) = verdict.environment
        assert line.startswith("the weights of adapter ") and " then, " in line


def test_a_session_puts_on_what_it_has_put_on_itself_alone(recorded: Path) -> None:
    for verdict in verdicts(recorded, OneModel(tiny_gpt2())):
        assert "which this session has not put on so far" in verdict.error


def test_a_name_in_a_record_needs_leave(model: LoadedModel, recorded: Path, tmp_path: Path) -> None:
    folder = saved(tiny_gpt2(), tmp_path / "model")
    asked: list[str] = []
    refusing = ReplayModels(str(folder), lambda what: bool(asked.append(what)), device="cpu")
    assert all("only named by the file" in verdict.error for verdict in verdicts(recorded, refusing))
    assert asked == [f"adapter {tmp_path / 'poems'}", f"adapter {tmp_path / 'tales'}"], "each once"
    allowing = ReplayModels(str(folder), lambda what: True, device="cpu")
    assert all(verdict.identical for verdict in verdicts(recorded, allowing))


def test_a_name_that_was_seen_from_elsewhere_is_found_by_its_source(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = f'"source": "{tmp_path}/'
    text = recorded.read_text().replace(kept, "KEPT").replace(f"{tmp_path}/", "").replace("KEPT", kept)
    recorded.write_text(text)
    folder = saved(tiny_gpt2(), tmp_path / "model")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert open_record(recorded).runs[0].adapters == ["poems", "tales"]
    with pytest.raises(LoadError):
        find("poems")
    assert all(v.identical for v in verdicts(recorded, ReplayModels(str(folder), lambda what: True, device="cpu")))


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_gpt2()
    folder, file = saved(model, tmp_path / "model"), tmp_path / "out.jsonl"
    poems = lora(tmp_path / "poems, and more", model, ["c_attn"])
    words = ["--model_name_or_path", str(folder), "--device", "cpu", "--prompt", "the old", "--length", "8"]
    words += ["--adapters", f"'{poems}'=0.5", "--at", "3", "adapters=", "--record", str(file)]
    assert len(run_generation.main(words)) == 1
    assert capsys.readouterr().err.count("info: Adapters:") == 1
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["name"] for line in lines[0]["model"]["adapters"]] == [str(poems)]
    assert {"event": "adapters", "at": 3, "adapters": []} in lines
    given = [str(file), "--verify", "--model_name_or_path", str(folder)]
    with pytest.raises(SystemExit) as left:
        replay_command.main(given)
    assert left.value.code == 2 and "is only named by the file" in capsys.readouterr().out
    replay_command.main([*given, "--trust_model_path"])
    assert "identical: 1 run, 8 tokens" in capsys.readouterr().out
    shutil.rmtree(poems)
    with pytest.raises(SystemExit) as left:
        run_generation.main(words)
    said = capsys.readouterr()
    assert left.value.code == 2 and said.out == "" and said.err.count("\n") == 1 and "no such folder" in said.err


def test_a_hostile_record_names_nothing_that_is_looked_for(model: LoadedModel, recorded: Path) -> None:
    lines = [json.loads(line) for line in recorded.read_text().splitlines()]
    for line in lines:
        if line["event"] == "run":
            line["model"]["adapters"] = [3, {"name": ["x"], "weights": {}}, {"source": "/etc"}]
        if line["event"] == "adapters":
            line["adapters"] = [[], {"name": 3}]
        if line["event"] == "change":
            line["to"] = {"a": 1}
    recorded.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(verdicts(recorded, OneModel(model))) == 2
    assert end(play(model)).sequences
