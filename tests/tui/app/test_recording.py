"""Where a session is recorded, and where not: a full disk, a folder that cannot be written, recording off, thinning."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.session.library import Library
from engine.session.reading import read
from engine.settings import Settings
from tests.engine.test_library import DAY_S, written
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.config import Config
from tui.restoring import restored


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes, as where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


async def save_elsewhere(hand: Hand, path: Path) -> None:
    await hand.app.run_action("save_record")
    await hand.until(lambda: len(hand.app.screen_stack) == 2)
    await hand.press("ctrl+u", *str(path), "enter")


async def test_where_the_disk_is_full_the_session_goes_on_and_is_saved_elsewhere(
    tiny: Path, record: Path, tmp_path: Path
) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        with full_at(record.stat().st_size + 300):
            await hand.until(lambda: hand.note("record"))
            note = hand.note("record")
            assert note and note.level == "warning" and "save record elsewhere" in note.text
            seen = hand.app.session.new_tokens
            await hand.tokens(seen + 20)
            await hand.press("escape")
            await hand.finished()
        before = record.read_bytes()
        await save_elsewhere(hand, record)
        await hand.until(lambda: any("is there already" in note.text for note in hand.notes))
        elsewhere = tmp_path / "elsewhere.jsonl"
        await save_elsewhere(hand, elsewhere)
        await hand.until(elsewhere.exists)
        text = hand.output.text(prompt=False)
        await hand.change(max_new_tokens=4)
        await hand.press("ctrl+o")
        await hand.finished()
    assert record.read_bytes().startswith(before)
    found = restored(elsewhere, Settings())
    assert not found.trouble and found.session.sequences[0].text.startswith(text)
    assert [line["event"] for line in read(elsewhere)][-1] == "end"


async def test_where_nothing_can_be_written_it_can_be_saved_elsewhere(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    async with session(tmp_path / "file" / "below.jsonl", tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        assert hand.note("record")
        await save_elsewhere(hand, tmp_path / "elsewhere.jsonl")
        await hand.until((tmp_path / "elsewhere.jsonl").exists)
        text = hand.output.text()
    assert "the old" + restored(tmp_path / "elsewhere.jsonl", Settings()).session.sequences[0].text == text


async def test_with_recording_off_nothing_is_written(
    tiny: Path, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    opened = written(tmp_path / "transcripts" / "a.jsonl", "the old", " river")
    before = opened.read_bytes()
    async with session(record, tiny, SHORT, prompt="the old", recorded=False) as hand:
        await hand.run()
        hand.output.focus()
        await hand.press("y")
        assert hand.app.clipboard and hand.app.history.prompts() == ["the old"]
        await hand.app.run_action("save_record")
        await hand.until(lambda: "This session is not recorded" in hand.screen_text())
        hand.app.open_record(opened)
        await hand.until(lambda: hand.output.text() == "the old river")
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text() != "the old river" and not hand.note("record")
    assert not record.exists() and opened.read_bytes() == before
    assert not [path for path in data.rglob("*") if path.is_file()]


async def test_old_transcripts_without_a_name_are_thinned_at_the_start(tiny: Path, record: Path) -> None:
    library = Library(record.parent / "transcripts")
    old = written(library.folder / "old.jsonl", "a", "b", age_days=40)
    kept = [
        written(library.folder / "new.jsonl", "a", "b", age_days=3),
        written(library.folder / "named" / "n.jsonl", "a", "b", age_days=400),
    ]
    async with session(record, tiny, library=library, config=Config(keep_days=30)) as hand:
        await hand.until(lambda: not old.exists(), "the thinning")
        assert all(path.exists() for path in kept) and (library.folder / "bin" / "old.jsonl").exists()


async def test_an_offer_is_declined_for_good(tiny: Path, record: Path) -> None:
    library = Library(record.parent / "transcripts")
    paths = [written(library.folder / f"{n}.jsonl", f"text {n}", "b", ended=False, age_days=n / 10) for n in range(2)]
    async with session(record, tiny, library=library, size=(80, 24)) as hand:
        await hand.until(lambda: "Cut off" in hand.screen_text() and "1 of 2" in hand.screen_text())
        await hand.press("alt+x")
        await hand.until(lambda: "1 of 2" not in hand.screen_text())
        await hand.press("alt+x")
        await hand.until(lambda: "Cut off" not in hand.screen_text())
        await hand.press("alt+x")
        await hand.until(lambda: "No session was cut off." in hand.screen_text())
    assert [json.loads(path.read_text().splitlines()[-1]) for path in paths] == [{"event": "end", "declined": True}] * 2
    assert all(abs(time.time() - os.stat(path).st_mtime - n * DAY_S / 10) < 600 for n, path in enumerate(paths))
    async with session(record, tiny, library=library) as hand:
        await hand.settle()
        assert not hand.app.offers
