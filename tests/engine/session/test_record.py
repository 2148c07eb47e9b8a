"""A record is read whatever became of its file, and what stands in it harms nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TranscriptError
from engine.session import reading, record
from engine.session.record import Record, open_record
from engine.settings import Settings
from tests.paths import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "golden_transcripts"
FIRST, SESSION = GOLDEN / "version-1-first.jsonl", GOLDEN / "version-1-session.jsonl"


def everything(path: Path) -> Record | None:
    """Read all that can be asked of a record; None where there is none."""
    try:
        found = open_record(path)
    except TranscriptError as error:
        assert "\n" not in str(error)
        return None
    for run in found.runs:
        list(run.events())
        assert run.outcome is None or run.whole
        assert isinstance(run.settings, Settings) and all(isinstance(text, str) for text in run.texts())
        assert (run.steps, run.model_name, run.how, run.drawn, run.time, run.prompt) is not None
    return found


# Golden: these files are never made anew


def test_the_first_transcripts_of_version_1() -> None:
    found = everything(FIRST)
    assert found is not None and found.trouble == [] and len(found.entries) == 2
    first, second = found.runs
    assert (first.how, first.fresh, first.sequence, first.drawn, first.settings.seed) == ("new", None, None, 0, 42)
    assert first.texts() == [
        " smiled for the first time. Far away a bell rang.",
        " was sitting on the doorstep. It was Sue's birthday,",
    ]
    assert [(change.at, change.name, change.old, change.new) for change in first.changes] == [
        (5, "temperature", 1.0, 1.5)
    ]
    assert (first.told, first.steps, second.told, second.settings.strategy) == (24, 12, 8, "beam")
    assert first.prepared is not None and first.prepared.text == "The old king"


def test_a_session_of_version_1() -> None:
    found = everything(SESSION)
    assert found is not None and found.trouble == []
    names = [entry["event"] if isinstance(entry, dict) else "run" for entry in found.entries]
    assert names == ["run"] * 3 + ["edit", "undo", "redo"] + ["run"] * 6
    assert [run.how for run in found.runs] == ["new", "on", "anew", *["new"] * 6]
    assert [run.sequence for run in found.runs] == [None, 1, 1, *[None] * 6]
    assert [run.fresh for run in found.runs] == [True, *[False] * 8]
    assert [run.told for run in found.runs] == [16, 8, 3, 8, 8, 8, 8, 14, 0]
    assert (found.runs[1].pauses, found.runs[2].stopped, found.runs[2].drawn) == ([3], 3, 0)
    assert [run.settings.strategy for run in found.runs[3:]] == [
        "beam", "contrastive", "dola", "assisted", "greedy", "greedy"
    ]  # fmt: skip
    assert all(len(token.alternatives) == 3 for token in found.runs[0].tokens[0])
    assert found.entries[3]["text"] == " a crown\n and \x1b[31mred\x1b[0m eyes."  # type: ignore[index]


# Damage


def test_a_file_cut_at_any_byte_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in FIRST.read_bytes().splitlines()]
    lines[0] |= {"settings": {"num_return_sequences": 2}, "model": {}}
    ends = [line for line in lines if line["event"] == "finish"]
    small = [json.dumps(line).encode() + b"\n" for line in [*lines[:7], ends[0]]]
    whole, path = b"".join(small), tmp_path / "session.jsonl"
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        found, complete = everything(path), whole[: size + 1].count(b"}\n") if size < len(whole) else len(small)
        if not complete:
            assert found is None
            continue
        assert found is not None
        [run] = found.runs
        tokens = [line for line in lines[:7][:complete] if line["event"] == "token"]
        assert [token.id for number in (0, 1) for token in run.tokens.get(number, [])] == sorted_ids(tokens)
        assert run.whole == (complete == len(small))


def sorted_ids(tokens: list[dict[str, Any]]) -> list[int]:
    return [token["id"] for number in (0, 1) for token in tokens if token["sequence"] == number]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_read_as_far_as_it_goes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    raw = bytearray((FIRST if data.draw(st.booleans()) else SESSION).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                raw[place] = data.draw(st.integers(0, 255))
            case 1:
                del raw[place : place + data.draw(st.integers(1, 400))]
            case 2:
                raw[place:place] = data.draw(st.binary(max_size=40))
            case _:
                raw[place:] = raw[: data.draw(st.integers(0, 3000))]
        if not raw:
            return
    path = tmp_path_factory.mktemp("damaged") / "session.jsonl"
    path.write_bytes(raw)
    everything(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_wrong_types_are_no_harm(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    lines = [json.loads(line) for line in SESSION.read_bytes().splitlines()]
    for _ in range(data.draw(st.integers(1, 8))):
        line: Any = data.draw(st.sampled_from(lines))
        where = line
        while isinstance(where, dict | list) and where:
            key = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
            if data.draw(st.booleans()) or not isinstance(where[key], dict | list):
                where[key] = data.draw(VALUES)
                break
            where = where[key]
    path = tmp_path_factory.mktemp("wrong") / "session.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    everything(path)


# What else a file may be


def run_line(**changed: Any) -> str:
    line = json.loads(FIRST.read_text().splitlines()[0])
    return json.dumps(line | changed)


def test_a_newer_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(run_line(version=9) + '\n{"event": "dream", "of": "sheep"}\n')
    found = open_record(path)
    assert found.version == 9 and "newer version of the program (format 9, this one knows 1)" in found.trouble[0]
    assert len(found.runs) == 1 and found.entries[1] == {"event": "dream", "of": "sheep"}


def test_settings_that_are_not_known_here_are_told(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(run_line(settings={"charm": 1, "top_k": 7, "temperature": -3, "x" * 999: 0}))
    [run] = open_record(path).runs
    assert (run.settings.top_k, run.settings.temperature) == (7, 1.0)
    assert len(run.trouble) == 3 and "temperature" in run.trouble[2] and max(map(len, run.trouble)) < 200


def test_lines_of_no_run_are_kept_out_of_the_runs(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    token = '{"event": "token", "sequence": 0, "index": 0, "id": 1, "text": "x", "logprob": -1}'
    path.write_text(f"{token}\n{run_line()}\n{token}\n{run_line(prompt=5)}\n{token}\n")
    found = open_record(path)
    assert [run.told for run in found.runs] == [1]
    assert found.trouble == [
        "line 4: a run that cannot be read (run: prompt is no text)",
        "1 line could not be read and is left out",
    ]


def test_a_giant_line_takes_no_memory_and_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST", 4000)
    path = tmp_path / "session.jsonl"
    path.write_bytes(b'{"event": "x", "y": "' + b"z" * 300_000 + b'"}\n' + run_line().encode() + b"\n" + b"[" * 9000)
    assert [raw is None for _, raw in reading.raw_lines(path)] == [True, False, True]
    found = open_record(path)
    assert len(found.runs) == 1 and found.trouble == ["2 lines could not be read and are left out"]


def test_many_lines_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_LINES", 20)
    path = tmp_path / "session.jsonl"
    path.write_text('{"event": "x"}\n' * 50)
    found = open_record(path)
    assert len(found.entries) == 20 and "only its first 20 lines" in found.trouble[0]


def test_a_large_record_is_opened_without_its_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "session.jsonl"
    lines = FIRST.read_text().splitlines(keepends=True)
    first = [line for line in lines[:30] if '"token"' in line]
    path.write_text(lines[0] + "".join(first * 500))
    calls: list[bytes] = []
    real = reading.parsed
    monkeypatch.setattr(record, "parsed", lambda raw: (calls.append(raw), real(raw))[1])
    found = open_record(path)
    assert len(calls) == 1 and found.runs[0].told == 500 * len(first)
    assert sum(map(len, found.runs[0].tokens.values())) == found.runs[0].told
