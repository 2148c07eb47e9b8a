"""Earlier prompts: kept, found again, and no trouble with the file is the session's."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import FileError
from engine.session import history
from engine.session.history import PromptHistory, Walk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "prompts.jsonl"


def test_prompts_outlive_the_session_each_once_and_the_newest_last(path: Path) -> None:
    first = PromptHistory(path)
    for prompt in ("one", "two\nlines", "one", "one", "  \n", "\x1b]0;x\x07 \ud800"):
        first.add(prompt)
    assert first.prompts() == PromptHistory(path).prompts() == ["two\nlines", "one", "\x1b]0;x\x07 \ud800"]
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert len(path.read_bytes().splitlines()) == 4, "it is only appended to; the same twice over is no line"


def test_torn_and_foreign_lines_are_skipped_and_the_next_begins_anew(path: Path) -> None:
    PromptHistory(path).add("whole")
    junk = [b'{"prompt": 7}', b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"prompt": " "}', b'{"time": "t", "prompt": "to']
    with path.open("ab") as file:
        file.write(b"\n".join(junk))
    later = PromptHistory(path)
    later.add("after")
    assert later.prompts() == ["whole", "after"]


def test_two_sessions_see_each_others_prompts(path: Path) -> None:
    one, two = PromptHistory(path), PromptHistory(path)
    one.add("from one")
    assert two.prompts() == ["from one"]
    two.add("from two")
    assert one.prompts() == ["from one", "from two"]


def test_many_writers_tear_nothing(path: Path) -> None:
    def write(writer: int) -> None:
        own = PromptHistory(path)
        for number in range(50):
            own.add(f"{writer} {number} " + "x" * 500)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(PromptHistory(path).prompts()) == 200
    assert all(json.loads(line)["prompt"] for line in path.read_bytes().splitlines() if line)


def test_the_newest_of_many_are_read_and_of_a_large_file_the_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 5)
    own = PromptHistory(path)
    for number in range(20):
        own.add(f"prompt {number}")
    assert own.prompts() == [f"prompt {number}" for number in range(15, 20)]
    monkeypatch.setattr(history, "_TAIL", 100)
    assert PromptHistory(path).prompts() == ["prompt 19"], "the line that the end begins in is torn"


def test_a_very_long_prompt_is_remembered_but_not_written(path: Path) -> None:
    own = PromptHistory(path)
    own.add("x" * (history.LONGEST + 1))
    assert own.prompts() == ["x" * (history.LONGEST + 1)] and not path.exists()


@pytest.mark.parametrize("obstacle", ["file", "folder", "pipe"])
def test_what_cannot_be_written_is_told_and_remembered(path: Path, obstacle: str) -> None:
    if obstacle == "file":
        path.parent.write_text("in the way")
    elif obstacle == "folder":
        path.mkdir(parents=True)
    else:
        path.parent.mkdir()
        os.mkfifo(path)
    own = PromptHistory(path)
    with pytest.raises(FileError, match="the prompts cannot be kept") as told:
        own.add("kept in mind")
    assert "\n" not in str(told.value) and own.prompts() == ["kept in mind"]


def test_a_walk_goes_back_and_returns_to_what_was_typed() -> None:
    walk = Walk(["a", "b", "typ", "c"], "typ")
    assert [walk.step(by) for by in (1, -1, -1, -1, -1, 1, 1, 1, 1)] == [
        None,
        "c",
        "b",
        "a",
        None,
        "b",
        "c",
        "typ",
        None,
    ]
    assert Walk([], "typ").step(-1) is None
