"""Going on where a sequence stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.scripted import scripted
from tests.tui.app.driving import LONG, SHORT, session


def ids(run: list[dict[str, Any]], sequence: int = 0) -> list[int]:
    return [line["id"] for line in run if line["event"] == "token" and line["sequence"] == sequence]


async def test_twenty_and_twenty_more_are_forty(record: Path) -> None:
    settings = SHORT.changed(max_new_tokens=40, seed=11)
    async with session(record, None, settings, prompt="Once upon a time") as hand:
        await hand.run()
        whole = hand.output.text()
        await hand.change(max_new_tokens=20)
        await hand.run()
        half = hand.output.text()
        assert whole.startswith(half) and half != whole
        await hand.press("ctrl+o")
        assert hand.output.text().startswith(half), "what was written stays"
        await hand.finished()
        assert hand.output.text() == whole
        forty, first, second = hand.runs()
        assert ids(forty) == ids(first) + ids(second)
        prefill = next(line for line in second if line["event"] == "prefill")
        assert prefill["reused"] == prefill["tokens"] - 1
        assert second[0]["prompt"] == half and second[0]["seed"] == 11 and second[0]["drawn"] == 20


async def test_one_of_several_goes_on_and_the_others_stay(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(num_return_sequences=3)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.run()
        before = [hand.output.text(number) for number in range(3)]
        await hand.press("ctrl+l", "ctrl+o")
        await hand.finished()
        after = [hand.output.text(number) for number in range(3)]
        assert hand.output.sequence == 1
        assert after[0] == before[0] and after[2] == before[2]
        assert after[1].startswith(before[1]) and len(after[1]) > len(before[1])
        several, more = hand.runs()
        assert "sequence" not in several[0] and more[0]["sequence"] == 1
        await hand.change(num_return_sequences=1, seed=6, max_new_tokens=24)
        await hand.run()
        assert ids(several, 1) + ids(more) == ids(hand.runs()[2]), "the stream of sequence 1 is that of seed + 1"


async def test_going_on_again_and_again(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT.changed(max_new_tokens=5), prompt="the old") as hand:
        await hand.run()
        for _ in range(3):
            await hand.press("ctrl+o")
            await hand.finished()
        parts = [token for run in hand.runs() for token in ids(run)]
        await hand.change(max_new_tokens=20)
        await hand.run()
        assert parts == ids(hand.runs()[-1])


async def test_going_on_after_a_stop(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(4)
        await hand.press("escape")
        await hand.finished()
        stopped = ids(hand.runs()[0])
        await hand.change(max_new_tokens=6)
        await hand.press("ctrl+o")
        await hand.finished()
        await hand.change(max_new_tokens=len(stopped) + 6)
        await hand.run()
        _, second, whole = hand.runs()
        assert stopped + ids(second) == ids(whole)


async def test_a_stop_text_in_what_goes_on_cuts_only_there(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", " river and THE END")
    async with session(record, model, SHORT.changed(max_new_tokens=3, stop_token="THE END"), prompt="a") as hand:
        await hand.run()
        half = hand.output.text()
        await hand.change(max_new_tokens=40)
        await hand.press("ctrl+o")
        await hand.finished()
        assert half != "a river and " and hand.output.text() == "a river and "


async def test_where_the_models_positions_are_full_nothing_is_added(small: Path, record: Path) -> None:
    async with session(record, small, SHORT.changed(max_new_tokens=-1), prompt="the old") as hand:
        await hand.run()
        full = hand.output.text()
        await hand.press("ctrl+o")
        await hand.finished()
        await hand.settle()
        assert hand.output.text() == full
        assert hand.lines("finish")[1]["sequences"][0]["finish_reason"] == "length"
        await hand.change(max_new_tokens=3)
        await hand.run()
        assert len(ids(hand.runs()[2])) == 3


async def test_a_setting_moved_between_two_runs_is_marked_where_the_second_begins(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        await hand.press("f3", "ctrl+o")
        await hand.finished()
        assert "→ 1.05┊" in hand.screen_text()


async def test_a_character_that_the_end_of_a_run_cut_in_two_becomes_whole(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", " n🐉")
    async with session(record, model, SHORT.changed(max_new_tokens=4), prompt="a") as hand:
        await hand.run()
        assert hand.output.text() == "a n\N{REPLACEMENT CHARACTER}"
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text().startswith("a n🐉")
