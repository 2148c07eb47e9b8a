"""The record: one JSON object a line, on the disk as soon as it happened, and readable whatever became of the file."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Controls, Settings, TranscriptError
from engine.events import (
    Alternative,
    Changed,
    Event,
    Failed,
    Finished,
    Note,
    Noted,
    Paused,
    Prefilled,
    Prepared,
    Sequence,
    Timing,
    Token,
)
from engine.models.loaded import LoadedModel
from engine.session import transcript, transcript_file
from engine.session.reading import read
from engine.session.transcript import Transcript
from tests.models import PROMPT, SAMPLED, end, ids

EACH_EVENT: list[tuple[Event, list[dict[str, Any]]]] = [
    (
        Prepared("ab", (1, 2), (Note("warning", "odd", "An odd prompt."),)),
        [
            {"event": "prepared", "text": "ab", "ids": [1, 2]},
            {"event": "note", "level": "warning", "code": "odd", "text": "An odd prompt."},
        ],
    ),
    (Noted(Note("info", "c", "t")), [{"event": "note", "level": "info", "code": "c", "text": "t"}]),
    (Prefilled(7, 3, 0.25), [{"event": "prefill", "tokens": 7, "reused": 3, "seconds": 0.25}]),
    (
        Token(0, 0, 262, " the", -1.41),
        [{"event": "token", "sequence": 0, "index": 0, "id": 262, "text": " the", "logprob": -1.41}],
    ),
    (
        Token(1, 3, 5, "", -2.5, (Alternative(5, "x", -2.5, -3.0),)),
        [
            {"event": "token", "sequence": 1, "index": 3, "id": 5, "text": "", "logprob": -2.5}
            | {"alternatives": [[5, "x", -2.5, -3.0]]}
        ],
    ),
    (
        Changed(12, "temperature", 1.0, 1.4),
        [{"event": "change", "at": 12, "name": "temperature", "from": 1.0, "to": 1.4}],
    ),
    (Failed("no room"), [{"event": "failed", "error": "no room"}]),
    (Paused(3), []),
]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "down" / "session.jsonl"


@pytest.mark.parametrize(("event", "wanted"), EACH_EVENT, ids=[type(event).__name__ for event, _ in EACH_EVENT])
def test_the_lines_of_an_event(path: Path, event: Event, wanted: list[dict[str, Any]]) -> None:
    record = Transcript(path, make_folder=True)
    record.write("first")
    record.event(event)
    # Read while the file is open: what happened is on the disk.
    found = path.read_text(encoding="utf-8")
    assert found.endswith("\n")
    assert lines(path)[1:] == wanted
    assert all(line.startswith('{"event": "') for line in found.splitlines())
    assert list(read(path))[1:] == wanted


def test_the_end_tells_every_sequence(path: Path) -> None:
    record = Transcript(path, make_folder=True)
    record.event(
        Finished((Sequence((1,), "a", (-1.0,), "eos"), Sequence((2,), "b", (-2.0,), "stop", 0.5)), Timing(1, 2, 2))
    )
    (line,) = lines(path)
    assert line["event"] == "finish"
    assert [(s["text"], s["finish_reason"], s["score"]) for s in line["sequences"]] == [
        ("a", "eos", None),
        ("b", "stop", 0.5),
    ]


def test_a_run_line_says_what_is_needed_to_play_it_again(path: Path) -> None:
    record = Transcript(path, make_folder=True)
    settings = Settings(seed=9, stop_strings=("x",), eos_token_id=(1,))
    record.run(model={"name": "m"}, prompt="p", settings=settings, origin="test")
    (line,) = lines(path)
    assert (line["event"], line["version"], line["model"], line["prompt"]) == ("run", 1, {"name": "m"}, "p")
    assert (line["seed"], line["origin"]) == (9, "test")
    assert Settings(**line["settings"]) == settings


def test_a_whole_run(gpt2: LoadedModel, path: Path) -> None:
    record = Transcript(path, make_folder=True)
    settings = SAMPLED.changed(num_return_sequences=2)
    record.run(model=gpt2.identity(), prompt="", settings=settings)
    events: list[Event] = []
    for event in engine.generate(gpt2, PROMPT, settings, Controls(schedule={4: {"top_k": 3}})):
        record.event(event)
        events.append(event)
        if isinstance(event, Token):
            assert lines(path)[-1]["id"] == event.id
    told = list(read(path))
    assert [line["event"] for line in told[:3]] == ["run", "prepared", "prefill"]
    for row in (0, 1):
        assert [line["id"] for line in told if line["event"] == "token" and line["sequence"] == row] == ids(events, row)
    change = next(at for at, line in enumerate(told) if line["event"] == "change")
    assert (told[change]["at"], told[change + 1]["index"]) == (4, 4)
    assert [s["text"] for s in told[-1]["sequences"]] == [s.text for s in end(events).sequences]
    assert told[0]["model"]["versions"].keys() == {"torch", "transformers", "textgen-tui"}


def test_the_file_is_made_late_and_for_its_owner_alone(path: Path) -> None:
    record = Transcript(path, make_folder=True)
    assert not path.exists() and not record.written
    before = os.umask(0)
    try:
        record.write("a")
    finally:
        os.umask(before)
    assert record.written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_second_session_is_appended(path: Path) -> None:
    for number in (1, 2):
        record = Transcript(path, make_folder=True)
        record.write("note", number=number)
        record.close()
        record.close()
    assert [line["number"] for line in lines(path)] == [1, 2]


@pytest.mark.parametrize("kept", [12, 25, 40])
def test_a_line_that_was_cut_short_is_skipped_and_mended(path: Path, kept: int) -> None:
    record = Transcript(path, make_folder=True)
    record.write("note", number=1)
    whole = path.read_bytes()
    record.write("note", number=2, text="a long line that will be cut")
    record.close()
    path.write_bytes(path.read_bytes()[: len(whole) + kept])
    assert [line["number"] for line in read(path)] == [1]
    record = Transcript(path, make_folder=True)
    record.write("note", number=3)
    assert [line["number"] for line in read(path)] == [1, 3]
    assert path.read_bytes().endswith(b'\n{"event": "note", "number": 3}\n')


@pytest.mark.parametrize("content", [b"Dear diary", b"{}\n", b"[1, 2]\n", b"\n", b'{"events": 1}\n'])
def test_another_file_is_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(TranscriptError, match="no transcript"):
        Transcript(path, make_folder=True).write("note")
    assert path.read_bytes() == content


@pytest.mark.parametrize("place", ["file/below.jsonl", ".", "nul\0l.jsonl"])
def test_a_place_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(TranscriptError) as error:
        Transcript(tmp_path / place, make_folder=True).write("note")
    assert "cannot be written" in str(error.value) and "\n" not in str(error.value)


class Disk:
    """A disk that takes so many bytes more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 10**9
        self._write = os.write
        monkeypatch.setattr(transcript_file.os, "write", self.write)

    def write(self, descriptor: int, data: bytes) -> int:
        taken = min(self.left, len(data))
        self.left -= taken
        if not taken:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        return self._write(descriptor, data[:taken])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.mark.parametrize("left", [0, 3, 10, 47, 200])
def test_a_full_disk_is_told_once_and_nothing_is_lost(path: Path, disk: Disk, left: int) -> None:
    record = Transcript(path, make_folder=True, retry_s=0.0)
    disk.left = left
    refused = 0
    for number in range(9):
        try:
            record.write("note", number=number)
        except TranscriptError as error:
            assert "No space left" in str(error) and record.trouble == str(error)
            refused += 1
    assert refused == 1 and record.held
    found = path.read_bytes()
    assert not found or found.endswith(b"\n")  # no half lines
    disk.left = 10**9
    record.write("note", number=9)
    assert (record.held, record.trouble) == (0, "")
    assert [line["number"] for line in lines(path)] == list(range(10))
    disk.left = 0
    with pytest.raises(TranscriptError):  # another trouble is told again
        record.write("note", number=10)
    disk.left = 10**9
    record.close()
    assert [line["number"] for line in lines(path)] == list(range(11))


def test_where_too_much_is_held_the_first_lines_stay_and_the_gap_is_told(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript, "HELD_BYTES", 100)
    record = Transcript(path, make_folder=True, retry_s=0.0)
    disk.left = 0
    with pytest.raises(TranscriptError):
        record.write("note", number=0)
    for number in range(1, 9):
        record.write("note", number=number)
    assert record.held == 9
    disk.left = 10**9
    record.write("note", number=9)
    kept = lines(path)
    assert [line.get("number") for line in kept] == [0, 1, 2, None]
    assert kept[-1] == {"event": "lost", "lines": 7}


def test_it_is_tried_again_after_a_while_and_not_with_each_line(path: Path, disk: Disk) -> None:
    record = Transcript(path, make_folder=True, retry_s=3600.0)
    disk.left = 0
    with pytest.raises(TranscriptError):
        record.write("note", number=0)
    disk.left = 10**9
    record.write("note", number=1)
    assert record.held == 2
    record.close()
    assert [line["number"] for line in lines(path)] == [0, 1]


def test_what_cannot_be_written_is_saved_elsewhere(tmp_path: Path, disk: Disk) -> None:
    record = Transcript(tmp_path / "old.jsonl", retry_s=3600.0)
    record.write("note", number=0)
    disk.left = 0
    with pytest.raises(TranscriptError):
        record.write("note", number=1)
    record.write("note", number=2)
    disk.left = 10**9
    (tmp_path / "taken").write_text("mine")
    for place in (tmp_path / "taken", tmp_path / "absent" / "x", tmp_path / "nul\0l"):
        with pytest.raises(TranscriptError, match="cannot be written"):
            record.save_as(place)
    assert record.held == 2 and (tmp_path / "taken").read_text() == "mine"
    record.save_as(tmp_path / "new.jsonl")
    record.write("note", number=3)
    assert [line["number"] for line in lines(tmp_path / "new.jsonl")] == [0, 1, 2, 3]
    assert [line["number"] for line in lines(tmp_path / "old.jsonl")] == [0]
    assert stat.S_IMODE(record.path.stat().st_mode) == 0o600


def test_it_can_be_given_another_name(tmp_path: Path) -> None:
    record = Transcript(tmp_path / "old.jsonl")
    record.move_to(tmp_path / "first.jsonl")  # nothing is there yet
    record.write("note", number=0)
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(TranscriptError, match="cannot be moved"):
        record.move_to(tmp_path / "taken")
    record.move_to(tmp_path / "new.jsonl")
    record.write("note", number=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.jsonl", "taken"]
    assert [line["number"] for line in lines(record.path)] == [0, 1]


def test_a_pipe_is_no_transcript(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TranscriptError, match="no file"):
        Transcript(tmp_path / "pipe").write("note")
    with pytest.raises(TranscriptError, match="no file"):
        list(read(tmp_path / "pipe"))


def test_after_a_failure_it_goes_on_where_there_is_room_again(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    record = Transcript(tmp_path / "taken" / "session.jsonl", make_folder=True, retry_s=0.0)
    with pytest.raises(TranscriptError):
        record.write("note", number=1)
    (tmp_path / "taken").unlink()
    record.write("note", number=2)
    assert [line["number"] for line in read(record.path)] == [1, 2]


@given(text=st.text(st.characters(codec=None)))
def test_any_text_is_kept_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "session.jsonl"
    record = Transcript(path, make_folder=True)
    record.write("note", text=text)
    record.write("note", text="next")
    record.close()
    assert [line["text"] for line in read(path)] == [text, "next"]
    assert path.read_bytes().count(b"\n") == 2
    path.read_bytes().decode("utf-8")  # also where the text holds what UTF-8 cannot


HOSTILE = {
    "deep": b'{"event": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep and open": b"[" * 200_000,
    "a list": b'["event", "token"]',
    "a number": b"12",
    "no name": b'{"kind": "token"}',
    "a wrong name": b'{"event": 5}',
    "a name that is a list": b'{"event": ["token"]}',
    "a long number": b'{"event": "token", "id": ' + b"9" * 10_000 + b"}",
    "one giant line": b"x" * 5_000_000,
    "an open text": b'{"event": "' + b"y" * 1_000_000,
    "not UTF-8": b'{"event": "\xff\xfe"}',
    "zeros": b"\0" * 100,
    "nothing": b"",
    "null": b"null",
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_lines_are_skipped(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(b'{"event": "run", "n": 1}\n' + line + b'\n{"event": "token", "n": 2}\n')
    assert [event["n"] for event in read(path)] == [1, 2]


def test_what_is_not_known_is_told_all_the_same(tmp_path: Path) -> None:
    """Who reads decides what to do with it."""
    path = tmp_path / "session.jsonl"
    path.write_bytes(b'{"event": "from the future", "x": {}}\n')
    assert list(read(path)) == [{"event": "from the future", "x": {}}]


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for place in (tmp_path / "absent", tmp_path, tmp_path / "nul\0l"):
        with pytest.raises(TranscriptError, match="cannot be read"):
            list(read(place))


def test_a_fresh_name_lies_in_the_user_s_folder() -> None:
    path = transcript.new_path()
    assert path.suffix == ".jsonl"
    assert str(path).startswith(os.environ["XDG_DATA_HOME"])
    assert not path.exists()


WRITER = """
import sys
from pathlib import Path
from engine.session.transcript import Transcript
record = Transcript(Path(sys.argv[1]))
for number in range(10**9):
    record.write("note", number=number, text="x" * (number % 3000))
    print(number, flush=True)
"""


@pytest.mark.parametrize("number", range(4))
def test_a_killed_session_has_lost_nothing_that_was_told(tmp_path: Path, number: int) -> None:
    path = tmp_path / "session.jsonl"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(20 + 333 * number):
            writer.stdout.readline()
        writer.kill()
        told = writer.stdout.read().split(b"\n")
    last = max((int(line) for line in told[:-1]), default=19 + 333 * number)
    assert [line["number"] for line in read(path)][: last + 1] == list(range(last + 1))
    Transcript(path).write("note", number=-1)
    assert [line["number"] for line in read(path)][-1] == -1
