"""The library of transcripts: what it lists, finds, names, throws away and thins; what was cut off."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import FileError, NameTakenError
from engine.session.digest import digest
from engine.session.holding import is_held
from engine.session.index import FILE
from engine.session.library import BIN, BIN_DAYS, Library
from engine.session.reading import read
from engine.session.recovery import cut_off, decline
from engine.session.transcript import Transcript

DAY_S = 86_400


def written(path: Path, prompt: str, *tokens: str, ended: bool = True, age_days: float = 0, **run: Any) -> Path:
    """A transcript of one run."""
    fields = {"version": 1, "time": "2026-11-23T10:00:00+00:00", "model": {"name": "tiny"}, "prompt": prompt} | run
    fields |= {"settings": {}, "seed": 42}
    lines: list[dict[str, Any]] = [{"event": "run", **fields}]
    lines += [{"event": "prepared", "text": prompt, "ids": [1]}]
    token = {"event": "token", "sequence": 0, "logprob": -1.0}
    lines += [token | {"index": n, "id": n, "text": text} for n, text in enumerate(tokens)]
    lines += [{"event": "end"}] if ended else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    then = time.time() - age_days * DAY_S
    os.utime(path, (then, then))
    return path


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "transcripts")


def test_a_digest_tells_the_first_line_the_length_and_each_text_once() -> None:
    run = {"event": "run", "prompt": "Once\nupon", "model": {"name": "gpt2"}, "time": "2026-01-02T03:04:05+00:00"}
    token = {"event": "token", "sequence": 0, "text": " a time"}
    on = run | {"prompt": "Once\nupon a time", "sequence": 0}
    edit = {"event": "edit", "sequence": 0, "text": " an edit"}
    made = digest([run, token, on, token, edit, on | {"prompt": "Once\nupon an edit"}, token])
    assert (made.title, made.model, made.tokens, made.runs, made.words) == ("Once", "gpt2", 3, 3, 6)
    assert made.text == "Once\nupon a time a time\n\nOnce\nupon an edit a time"
    assert not made.ended and digest([run, {"event": "end"}]).ended


def test_whatever_stands_in_the_fields_of_a_line_there_is_a_digest() -> None:
    for odd in (None, 7, [], {}, "x" * 10_000, "\ud800", True):
        lines = [{"event": event, **dict.fromkeys(("prompt", "model", "time", "text", "sequence"), odd)}
                 for event in ("run", "token", "edit", "undo", "end")]  # fmt: skip
        made = digest(lines)
        assert len(made.title) <= 200 and isinstance(made.text.encode(), bytes) and made.runs == 1


def test_it_lists_the_newest_first_and_keeps_what_it_has_read(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = written(library.folder / "a.jsonl", "the old", " river", age_days=2)
    new = written(library.folder / "named" / "My tale.jsonl", "the new", " sea", age_days=1)
    (library.folder / "none.jsonl").write_text("no transcript\n")
    (library.folder / "torn.jsonl").write_bytes(b'{"event": "run", "prompt": "half')
    assert [(entry.path, entry.title) for entry in library.entries()] == [(new, "My tale"), (old, "the old river")]
    assert stat.S_IMODE((library.folder / FILE).stat().st_mode) == 0o600
    reads: list[Path] = []
    monkeypatch.setattr("engine.session.index.read", lambda path: reads.append(path) or iter(read(path)))
    written(old, "the old", " mill", age_days=0)
    assert [entry.title for entry in library.entries()] == ["the old mill", "My tale"]
    assert reads == [old], "the others are as they were"


def test_it_finds_every_word_in_text_model_or_name_whatever_the_case(library: Library) -> None:
    sea = written(library.folder / "a.jsonl", "Über die", " SEA\nof straße")
    tale = written(library.folder / "named" / "My tale.jsonl", "the mill", model={"name": "gpt2"})
    list(library.entries())
    found = {
        "über sea": {sea},
        "STRASSE": {sea},
        "tale GPT2 mill": {tale},
        "sea mill": set(),
        "%": set(),
        "": {sea, tale},
    }
    assert {text: library.holding(text) for text in found} == found
    sea.unlink()
    list(library.entries())
    assert library.holding("sea") == set() and b"STRASSE".lower() not in (library.folder / FILE).read_bytes()


@pytest.mark.parametrize("trouble", ["broken", "folder", "unwritable"])
def test_without_its_index_it_still_lists(library: Library, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(library.folder / "a.jsonl", "the old")
    if trouble == "broken":
        (library.folder / FILE).write_bytes(b"no database" * 500)
    elif trouble == "folder":
        (library.folder / FILE).mkdir()
    else:
        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda file, **more: connect(str(file).replace(FILE, "no/no"), **more))
    assert [entry.path for entry in library.entries()] == [path]


def test_a_name_keeps_it_apart_and_takes_no_other_ones_place(library: Library) -> None:
    first, second = (written(library.folder / f"{name}.jsonl", name) for name in "ab")
    named = library.rename(first, "  My   tale. ")
    assert named == library.folder / "named" / "My tale.jsonl" and not first.exists()
    with pytest.raises(NameTakenError, match="My tale"):
        library.rename(second, "My tale")
    assert second.exists() and library.rename(named, "Other").stem == "Other"
    for name in ("", "..", "a/b", "a\0b", "\x1b]0;x", "\ud800", "x" * 500):
        with pytest.raises(FileError):
            library.rename(second, name)
    assert second.exists()


def test_what_is_deleted_can_be_had_again(library: Library) -> None:
    path = written(library.folder / "a.jsonl", "the old", age_days=400)
    deleted = library.delete(path)
    assert not path.exists() and not list(library.entries()) and deleted.now.parent.name == BIN
    library.thin(0)
    assert deleted.now.exists(), "its weeks begin with the deletion"
    written(path, "another")
    assert library.bring_back(deleted).name == "a-2.jsonl"
    assert {entry.title for entry in library.entries()} == {"the old", "another"}


def test_what_a_session_writes_to_is_held_and_not_deleted(library: Library) -> None:
    path = written(library.folder / "a.jsonl", "the old", "b", ended=False)
    transcript = Transcript(path)
    transcript.open()
    assert is_held(path)
    with pytest.raises(FileError, match="a session is writing to it"):
        library.delete(path)
    assert not cut_off(library) and path.exists()
    transcript.close()
    assert not is_held(path) and [entry.path for entry in cut_off(library)] == [path]


def test_only_what_is_old_and_has_no_name_is_thinned(library: Library) -> None:
    old = written(library.folder / "old.jsonl", "a", age_days=40)
    spared = written(library.folder / "spared.jsonl", "a", age_days=40)
    held = written(library.folder / "held.jsonl", "a", age_days=40)
    kept = [written(library.folder / "new.jsonl", "a", age_days=20), spared, held]
    kept += [written(library.folder / "named" / "n.jsonl", "a", age_days=4000)]
    gone = written(library.folder / BIN / "gone.jsonl", "a", age_days=BIN_DAYS + 1)
    assert library.thin(0) == 0 and old.exists() and not gone.exists()
    session = Transcript(held)
    session.open()
    os.utime(held, (0, 0))
    assert library.thin(30, [spared]) == 1 and not old.exists() and (library.folder / BIN / "old.jsonl").exists()
    assert all(path.exists() for path in kept)
    session.close()


def test_the_newest_that_were_cut_off_are_offered_until_that_is_declined(library: Library) -> None:
    written(library.folder / "ended.jsonl", "a", "b")
    written(library.folder / "empty.jsonl", "a", ended=False)
    written(library.folder / "long ago.jsonl", "a", "b", ended=False, age_days=60)
    cut = [written(library.folder / f"{n}.jsonl", "a", "b", ended=False, age_days=n + 1) for n in range(4)]
    torn = written(library.folder / "named" / "torn.jsonl", "a", "b", "c", ended=False)
    torn.write_bytes(torn.read_bytes()[:-7])
    assert [entry.path for entry in cut_off(library)] == [torn, *cut[:2]]
    assert [entry.path for entry in cut_off(library, own=torn)] == cut[:3]
    decline(torn)
    assert [entry.path for entry in cut_off(library)] == cut[:3]
    assert list(read(torn))[-1]["event"] == "end"
