"""A record played in the panes: it looks as it looked, nothing meddles with it, and one can go on from it."""

from __future__ import annotations

import json
from pathlib import Path

from engine.session.library import Library
from engine.session.reading import read
from engine.session.record import open_record
from tests.tui.app.conftest import Gate
from tests.tui.app.driving import LONG, SHORT, Hand, pieces, session
from tests.tui.app.test_open_record import a_session_with_all_in_it, state
from tui.replaying import SPEEDS, Player
from tui.restoring import restored
from tui.screens.transcripts import Choice


async def recorded(tiny: Path, record: Path) -> tuple[object, list[tuple[str, str]]]:
    """A session with all in it: what it came to, and what its output showed."""
    async with session(record, tiny, LONG.changed(num_return_sequences=2, seed=3), prompt="the old") as hand:
        await a_session_with_all_in_it(hand)
        return state(hand.app.session), pieces(hand.output, 0)


async def to_end(hand: Hand) -> None:
    await hand.press("G")
    await hand.until(lambda: hand.app.player is None, "the end of the replay")


def slowed(record: Path) -> None:
    """As if each token had taken a second: no key comes too late then, however busy the machine is."""
    rows = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        if row["event"] == "token":
            row["seconds"] = float(row["index"])
    record.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


async def test_a_record_is_played_without_a_model_and_looks_as_it_looked(
    tiny: Path, record: Path, tmp_path: Path, gate: Gate
) -> None:
    gate.open.set()
    came_to, shown = await recorded(tiny, record)
    before = record.read_bytes()
    gate.open.clear()
    opening = Choice("play", record)
    async with session(tmp_path / "new.jsonl", tiny, SHORT, opening=opening, wait=False) as hand:
        await hand.until(lambda: hand.app.session.new_tokens > 2, "tokens")
        assert "╭─ Replay" in hand.screen_text() and "▶ Replay, 1×" in hand.screen_text()
        assert hand.app.session.facts is None, "there is no model yet"
        await to_end(hand)
        assert state(hand.app.session) == came_to and pieces(hand.output, 0) == shown
        assert hand.prompt.text == "the old"
        await hand.until(lambda: "Replay" not in hand.screen_text())
        assert hand.app.session.settings.temperature == 1.5 and " 1.5 " in hand.screen_text()
        assert record.read_bytes() == before and not list(hand.app.library.paths()), "looking leaves nothing behind"
        gate.open.set()
        await hand.loaded()
        await hand.press("ctrl+o")
        await hand.finished()
        copied = hand.app.record_path
    assert record.read_bytes() == before
    assert copied.read_bytes().startswith(before) and not restored(copied, SHORT).trouble


async def test_it_is_held_stepped_stopped_and_gone_on_from(tiny: Path, record: Path, tmp_path: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        whole = hand.output.text()
    slowed(record)
    async with session(tmp_path / "new.jsonl", tiny, SHORT) as hand:
        hand.app.play_record(record)
        await hand.until(lambda: hand.app.player is not None)
        await hand.press("ctrl+p")
        await hand.until(lambda: "Replay, held" in hand.screen_text())
        seen = hand.app.session.new_tokens
        await hand.settle()
        assert hand.app.session.new_tokens == seen < 12
        while hand.app.session.new_tokens < 5:
            await hand.press("ctrl+n")
        assert hand.app.session.new_tokens == max(5, seen)
        for key in ("f3", "ctrl+j", "ctrl+r", "alt+z", "1"):
            await hand.press(key)
        await hand.until(lambda: "This is a replay" in hand.screen_text())
        assert hand.app.player is not None and hand.app.session.settings.temperature == 1.0
        await hand.press("escape")
        await hand.until(lambda: hand.app.player is None)
        half = hand.output.text()
        assert whole.startswith(half) and half != whole and "stopped" in hand.screen_text()
        await hand.change(max_new_tokens=12 - hand.app.session.written(0))
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text() == whole, "it goes on as it went on"
        branch = hand.app.record_path
    [first, second] = [run.tokens[0] for run in open_record(branch).runs]
    assert [token.id for token in (*first, *second)] == [token.id for token in open_record(record).runs[0].tokens[0]]
    assert restored(branch, SHORT).session.writing.sequences[0].text == whole.removeprefix("the old")


async def test_playing_it_to_its_end_goes_on_in_the_librarys_own_file(tiny: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / "transcripts")
    library.folder.mkdir()
    record = library.folder / "one.jsonl"
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
    async with session(tmp_path / "new.jsonl", tiny, SHORT, library=library) as hand:
        hand.app.play_record(record)
        await hand.until(lambda: hand.app.player is not None)
        await to_end(hand)
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.app.record_path == record
    assert [line["event"] for line in read(record) if line["event"] in ("run", "end")] == ["run", "end", "run", "end"]
    assert library.paths() == [record]


async def test_what_is_no_transcript_is_told_in_one_line(tiny: Path, record: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no transcript")
    (tmp_path / "empty.jsonl").write_text('{"event": "end"}\n')
    async with session(record, tiny) as hand:
        for name, code in (("text.txt", "open"), ("empty.jsonl", "replay"), ("none", "open")):
            (hand.app.open_record if code == "open" else hand.app.play_record)(tmp_path / name)
            await hand.until(lambda code=code, name=name: any(name in note.text for note in hand.notes), name)
        assert all(note.level == "error" and "\n" not in note.text for note in hand.notes) and len(hand.notes) == 3


def test_the_pace_is_the_records_own(record: Path) -> None:
    run = '{"event": "run", "version": 1, "model": {}, "settings": {}, "seed": 1, "prompt": "a"}\n'
    times = [{"seconds": 0.5}, {"seconds": 0.6}, {"seconds": 60.0}, {}, {"seconds": 60.1}]
    tokens = [
        json.dumps({"event": "token", "sequence": 0, "index": index, "id": 1, "text": "b", "logprob": -1} | time) + "\n"
        for index, time in enumerate(times)
    ]
    record.write_text(run + '{"event": "prepared", "text": "a", "ids": [1]}\n' + "".join(tokens))

    def taken(player: Player, passed_s: float) -> int:
        return sum(1 for moment in player.due(passed_s) if moment.event is not None)

    for speed in (1.0, 2.0):
        player = Player(open_record(record), SHORT, speed)
        assert [taken(player, passed / speed) for passed in (0.45, 0.1, 0.1, 1.0, 0.46)] == [1, 1, 1, 0, 1]
        assert not player.ended and player.share < 1
        player.to_end()
        assert taken(player, 0.01) == 2 and player.ended and player.share == 1
    player = Player(open_record(record), SHORT)
    for _ in range(20):
        player.quicken(1)
    assert player.speed == SPEEDS[-1]
    assert [sum(1 for _ in player.step()) for _ in range(7)] == [3, 1, 1, 1, 1, 0, 0] and player.held
