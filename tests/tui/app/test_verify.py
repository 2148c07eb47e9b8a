"""Verifying the record from the screen."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tui.app.driving import SHORT, Hand, session


async def verdict(hand: Hand) -> str:
    hand.app.notes.clear()
    await hand.app.run_action("verify")
    await hand.until(lambda: hand.note("verify"), "the verdict")
    note = hand.note("verify")
    assert note
    return note.text


async def test_a_record_is_identical_or_told_where_it_first_is_not(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.app.run_action("verify")
        await hand.until(lambda: "There is no record yet" in hand.screen_text())
        await hand.run()
        await hand.press("f3", "ctrl+o")
        await hand.finished()
        text = hand.output.text()
        assert await verdict(hand) == "Identical: 2 of 2 runs, 24 tokens."
        lines = [json.loads(line) for line in record.read_text().splitlines()]
        place = [number for number, line in enumerate(lines) if line["event"] == "token"][3]
        lines[place]["id"] += 1
        record.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert "run 1, sequence 1, token 3" in await verdict(hand)
        assert hand.output.text() == text and not hand.running
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text().startswith(text)
