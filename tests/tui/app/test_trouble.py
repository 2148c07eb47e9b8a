"""What goes wrong in a session: it is told, what is there stays, and the next run works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.runner.cached import CachedRunner
from tests.tui.app.driving import LONG, SHORT, session


def failing_step(monkeypatch: pytest.MonkeyPatch, error: Exception, after: int) -> None:
    """The model fails once, at the step after this many."""
    step, left = CachedRunner.step, [after]

    def failing(self: CachedRunner, ids: Any) -> Any:
        left[0] -= 1
        if left[0] == -1:
            raise error
        return step(self, ids)

    monkeypatch.setattr(CachedRunner, "step", failing)


async def test_an_unwritable_transcript_is_told_once_and_tokens_still_come(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    async with session(tmp_path / "file" / "below.jsonl", tiny, prompt="the old") as hand:
        await hand.run()
        [note] = hand.notes
        assert note.level == "warning" and note.code == "record" and "below.jsonl" in note.text
        assert "▲" in hand.screen_text()
        assert hand.app.session.new_tokens == 12 and hand.output.text(prompt=False)
        await hand.run()
        assert not hand.notes and hand.app.session.new_tokens == 12
    assert (tmp_path / "file").read_text() == "no folder"


@pytest.mark.parametrize("error", [RuntimeError("the device is lost"), MemoryError(), KeyError("rope")])
async def test_a_run_that_fails_is_told_and_the_next_one_works(
    tiny: Path, record: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        failing_step(monkeypatch, error, after=4)
        await hand.run()
        note = hand.note("failed")
        assert note and note.level == "error" and "\n" not in note.text and "✗" in hand.screen_text()
        written = "".join(line["text"] for line in hand.lines("token"))
        assert len(hand.lines("token")) == 5 and hand.output.text() == "the old" + written
        assert "failed" in hand.screen_text() and hand.stage == "ready"
        assert not hand.output.streaming and not hand.panel.running
        await hand.run()
        assert len(hand.runs()[1]) == 12 + 4 and not hand.notes
        first = [line["id"] for line in hand.runs()[0] if line["event"] == "token"]
        assert [line["id"] for line in hand.runs()[1] if line["event"] == "token"][:5] == first


async def test_a_failure_is_in_the_transcript(tiny: Path, record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        failing_step(monkeypatch, KeyError("rope"), after=2)
        await hand.run()
        assert "rope" in hand.runs()[0][-1]["error"] and hand.runs()[0][-1]["event"] == "failed"


async def test_going_on_after_a_failure_gives_what_would_have_come(
    tiny: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        failing_step(monkeypatch, RuntimeError("the device is lost"), after=4)
        await hand.run()
        await hand.change(max_new_tokens=7)
        await hand.press("ctrl+o")
        await hand.finished()
        whole, first, second = ([line["id"] for line in run if line["event"] == "token"] for run in hand.runs())
        assert first + second == whole


async def test_the_same_trouble_again_and_again_is_one_note(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(num_return_sequences=2)
    async with session(record, tiny, settings, prompt="the old ") as hand:
        await hand.run()
        assert [note.code for note in hand.notes] == ["trailing-space"]
        for _ in range(3):
            hand.app.change_settings(lambda: hand.app.session.change("strategy", "greedy"))
        await hand.settle()
        assert [note.code for note in hand.notes] == ["trailing-space", "setting"]
        assert hand.screen_text().count("▲") + hand.screen_text().count("✗") == 1
        assert hand.screen_text().count("ends with a space") == 1


async def test_a_transcript_whose_disk_fills_up_in_a_run(
    tiny: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.session import transcript_file

    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(transcript_file, "_write", full)
            seen = hand.app.session.new_tokens
            await hand.until(lambda: hand.note("record"))
            await hand.tokens(seen + 20)
        assert "No space left" in hand.notes[0].text and len(hand.notes) == 1
        hand.worker.transcript._retry_at = 0.0
        await hand.until(lambda: "is written again" in hand.screen_text())
        await hand.press("escape")
        await hand.finished()
        told = [line["index"] for line in hand.lines("token")]
        assert told == list(range(hand.app.session.new_tokens)) and not hand.worker.transcript.held
