"""Taking back and bringing back, and writing a run anew: nothing that was written is lost."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from engine.runner.cached import CachedRunner
from tests.tui.app.conftest import Gate
from tests.tui.app.driving import LONG, SHORT, Hand, marks, pieces, session
from tui.pieces import text_of


def ids(hand: Hand, run: int = -1, sequence: int = 0) -> list[int]:
    return [line["id"] for line in hand.runs()[run] if line["event"] == "token" and line["sequence"] == sequence]


def state(hand: Hand) -> list[list[tuple[str, str]]]:
    """All that is shown, which is all that the session says is written."""
    writing = hand.app.session
    texts = [text_of(writing.pieces(number)) for number in range(len(writing.sequences))]
    assert [hand.output.text(number) for number in range(hand.output.sequences)] == (texts or [""])
    return [pieces(hand.output, number) for number in range(hand.output.sequences)]


async def test_a_new_run_is_undone_and_redone_whole(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(num_return_sequences=2)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.run()
        await hand.press("f3", "ctrl+o")
        await hand.finished()
        await hand.settle()
        first = state(hand)
        assert marks(hand.output)
        await hand.change(num_return_sequences=1)
        await hand.run("another")
        second = state(hand)
        await hand.press("alt+z")
        await hand.until(lambda: state(hand) == first)
        assert hand.prompt.text == "the old" and "12 new tokens" not in hand.screen_text()
        assert "24 new tokens · length reached · seed 5" in hand.screen_text()
        await hand.press("alt+y")
        await hand.until(lambda: state(hand) == second)
        assert hand.prompt.text == "another"
        assert [line["event"] for line in hand.lines("undo", "redo")] == ["undo", "redo"]
        assert hand.lines("undo")[0]["texts"] == [text.removeprefix("the old") for text in map(told, first)]


def told(sequence: list[tuple[str, str]]) -> str:
    return "".join(text for kind, text in sequence if kind != "mark")


async def test_an_undone_text_goes_on_as_if_nothing_had_been(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT.changed(max_new_tokens=24), prompt="the old") as hand:
        await hand.run()
        whole = ids(hand)
        await hand.change(max_new_tokens=12)
        await hand.run()
        await hand.run("another prompt")
        hand.output.focus()
        await hand.press("u", "ctrl+o")
        await hand.finished()
        assert ids(hand, 1) + ids(hand) == whole


async def test_all_the_way_back_and_forth(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        states = [state(hand)]
        for key in ("ctrl+j", "ctrl+o", "ctrl+r", "ctrl+o", "ctrl+j"):
            await hand.press(key)
            await hand.until(lambda: hand.running)
            await hand.finished()
            await hand.settle()
            states.append(state(hand))
        hand.output.focus()
        for key, way in (("u", states[-2::-1]), ("U", states[1:])):
            for before in way:
                await hand.press(key)
                await hand.until(lambda before=before: state(hand) == before)  # type: ignore[misc]
            await hand.press(key)
            await hand.settle()
            assert state(hand) == way[-1], "beyond the end nothing moves"
        assert "Nothing was undone." in hand.screen_text()


async def test_a_first_run_taken_back_leaves_the_prompt(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        await hand.press("alt+z")
        await hand.until(lambda: not hand.output.text())
        assert hand.prompt.text == "the old" and "Type an opening" in hand.screen_text()
        assert "new token" not in hand.screen_text()
        await hand.press("alt+z")
        await hand.until(lambda: "nothing to take back" in hand.screen_text())


async def test_what_was_typed_since_is_not_taken_back(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="one") as hand:
        await hand.run()
        await hand.run("two")
        await hand.press("end", *"ty")
        await hand.press("alt+z")
        await hand.until(lambda: hand.output.text().startswith("one"))
        assert hand.prompt.text == "twoty"
        await hand.press("alt+y")
        await hand.until(lambda: hand.output.text().startswith("two"))
        assert hand.prompt.text == "twoty"


async def test_a_prompt_that_undo_changed_comes_back_with_the_editors_own_undo(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="one") as hand:
        await hand.run()
        hand.prompt.focus()
        await hand.press("end", *" two", "ctrl+j")
        await hand.finished()
        await hand.press("alt+z")
        await hand.until(lambda: hand.prompt.text == "one")
        await hand.press("ctrl+z")
        assert hand.prompt.text == "one two"


@pytest.mark.parametrize("held", [False, True])
async def test_undo_ends_a_run_under_way_and_takes_it_back(tiny: Path, record: Path, held: bool) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        first = state(hand)
        await hand.change(max_new_tokens=-1)
        await hand.press("ctrl+o")
        await hand.tokens(5)
        if held:
            await hand.press("ctrl+p")
            await hand.until(lambda: hand.stage == "paused")
        await hand.press("alt+z")
        await hand.until(lambda: state(hand) == first and not hand.running)
        assert hand.lines("finish")[1]["sequences"][0]["finish_reason"] == "cancelled"
        assert hand.stage == "ready" and not hand.output.streaming
        await hand.press("alt+y")
        await hand.until(
            lambda: hand.output.text(prompt=False).endswith(hand.lines("finish")[1]["sequences"][0]["text"])
        )
        assert len(hand.output.text()) > len(told(first[0])) and "stopped" in hand.screen_text()


async def test_undo_twice_in_a_run_takes_the_one_before_it_back_too(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        first = state(hand)
        await hand.press("ctrl+o")
        await hand.finished()
        await hand.change(max_new_tokens=-1)
        await hand.press("ctrl+o")
        await hand.tokens(3)
        await hand.press("alt+z", "alt+z")
        await hand.until(lambda: state(hand) == first and not hand.running)


async def test_undo_of_a_run_that_comes_to_nothing_takes_no_more_back(small: Path, record: Path) -> None:
    async with session(record, small, SHORT, prompt="the") as hand:
        await hand.run()
        first = state(hand)
        hand.prompt.text = "the " * 80
        hand.app._run()
        assert hand.running
        hand.app._undo()  # at once, before the prompt can have been refused
        await hand.finished()
        await hand.settle()
        assert hand.note("failed") and state(hand) == first


async def test_undo_while_the_model_loads(tiny: Path, record: Path, gate: Gate) -> None:
    async with session(record, tiny, LONG, prompt="the old", wait=False) as hand:
        await hand.press("ctrl+j", "alt+z")
        gate.open.set()
        await hand.finished()
        await hand.until(lambda: not hand.output.text())
        assert hand.stage == "ready" and hand.prompt.text == "the old" and not hand.lines("token")


async def test_a_new_run_after_an_undo_leaves_what_was_undone_within_reach(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        first = state(hand)
        await hand.press("ctrl+o")
        await hand.finished()
        await hand.settle()
        second = state(hand)
        hand.output.focus()
        await hand.press("u", "ctrl+r")
        await hand.until(lambda: len(hand.lines("finish")) == 3)
        await hand.finished()
        for wanted in (first, second, first):
            await hand.press("u")
            await hand.until(lambda wanted=wanted: state(hand) == wanted)  # type: ignore[misc]


async def test_written_anew_with_a_new_seed_that_is_shown_and_used(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        first = state(hand)
        await hand.press("ctrl+r")
        await hand.until(lambda: len(hand.lines("finish")) == 2)
        await hand.finished()
        seed = hand.app.session.settings.seed
        assert seed != 5 and hand.runs()[1][0]["seed"] == seed == hand.panel.settings.seed
        assert state(hand) != first and f"seed {seed}" in hand.screen_text()
        anew = ids(hand)
        await hand.run()
        assert ids(hand) == anew, "the seed that is shown is the one that was used"
        await hand.press("alt+z")
        await hand.until(lambda: state(hand) == first)
        assert "length reached · seed 5" in hand.screen_text()
        assert hand.app.session.settings.seed == 5 == hand.panel.settings.seed, "it goes with its text"
        await hand.press("alt+y")
        await hand.until(lambda: hand.panel.settings.seed == seed)
        await hand.change(seed=77)
        await hand.press("alt+z")
        await hand.until(lambda: state(hand) == first)
        assert hand.panel.settings.seed == 77, "what was set since is not taken back"


async def test_written_again_with_its_own_seed_and_the_settings_of_now(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        first = state(hand)
        hand.prompt.text = "typed meanwhile"
        await hand.change(seed=99)
        hand.output.focus()
        await hand.press("r")
        await hand.until(lambda: len(hand.lines("finish")) == 2)
        await hand.finished()
        assert state(hand) == first and ids(hand, 0) == ids(hand, 1)
        assert hand.app.session.settings.seed == 5 == hand.panel.settings.seed
        assert hand.prompt.text == "typed meanwhile"
        await hand.change(max_new_tokens=15)
        await hand.press("r")
        await hand.until(lambda: len(hand.lines("finish")) == 3)
        assert ids(hand)[:12] == ids(hand, 0) and len(ids(hand)) == 15


async def test_only_what_was_gone_on_with_is_written_anew(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(num_return_sequences=3)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.run()
        first = state(hand)
        await hand.press("ctrl+l", "ctrl+o")
        await hand.finished()
        assert "seed 6" in hand.screen_text()
        await hand.press("ctrl+r")
        await hand.until(lambda: len(hand.lines("finish")) == 3)
        await hand.finished()
        seed = hand.app.session.settings.seed
        assert [line["seed"] for line in hand.lines("run")] == [5, 6, seed]
        after = state(hand)
        assert after[0] == first[0] and after[2] == first[2] and after[1] != first[1]
        assert told(after[1]).startswith(told(first[1]).removesuffix("\N{REPLACEMENT CHARACTER}"))
        assert marks(hand.output, 1)[-1][1] == f"seed 6 → {seed}" and f"seed {seed}" in hand.screen_text()
        assert ids(hand, 1) != ids(hand, 2) and hand.lines("run")[1]["prompt"] == hand.lines("run")[2]["prompt"]


async def test_a_run_under_way_is_written_anew_at_once_and_what_it_wrote_can_be_had(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(4)
        await hand.press("ctrl+r")
        await hand.until(lambda: len(hand.lines("run")) == 2)
        await hand.tokens(4)
        await hand.press("escape")
        await hand.finished()
        await hand.press("alt+z")
        wrote = hand.lines("finish")[0]["sequences"][0]["text"]
        await hand.until(lambda: hand.output.text() == "the old" + wrote)


async def test_each_sequence_shows_the_seed_that_gives_it_alone(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(num_return_sequences=2, seed=2**32 - 1)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.run()
        assert "seed 4294967295" in hand.screen_text()
        await hand.press("ctrl+l")
        await hand.until(lambda: "· seed 0" in hand.screen_text())
        second = ids(hand, 0, 1)
        await hand.change(num_return_sequences=1, seed=0)
        await hand.run()
        assert ids(hand) == second


async def test_keys_without_a_text_do_no_harm(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        hand.output.focus()
        await hand.press("u", "U", "r", "e", "ctrl+r", "alt+e", "alt+y", "alt+z")
        await hand.settle()
        assert not hand.running and not record.exists() and hand.app.focused is hand.output
        hand.prompt.focus()
        await hand.press("end", *"ureU")
        assert hand.prompt.text == "the oldureU"


@pytest.mark.parametrize("seed", range(4))
async def test_any_hand_on_the_keys_leaves_the_screen_showing_what_is_written(
    tiny: Path, record: Path, seed: int
) -> None:
    chance = Random(seed)
    async with session(record, tiny, SHORT.changed(max_new_tokens=8), prompt="the old") as hand:
        for _ in range(14):
            key = chance.choice(
                ["ctrl+j", "ctrl+o", "ctrl+o", "ctrl+r", "alt+z", "alt+z", "alt+y", "escape", "edit", "f3", "ctrl+l"]
            )
            if key == "edit":
                await hand.finished()
                await hand.press("alt+e", *chance.choice(["xyz", "a b"]), *["backspace"] * chance.randrange(5))
                await hand.press(chance.choice(["escape", "alt+z", "ctrl+o"]))
            else:
                await hand.press(key)
            if chance.random() < 0.6:
                await hand.finished()
            await hand.settle()
            if not hand.running and not hand.app.editing:
                state(hand)
        await hand.press("escape")
        await hand.finished()
        await hand.settle()
        last = state(hand)
        back, _ = hand.app.session.timeline.steps
        for key in ["alt+z"] * back + ["alt+y"] * back:
            await hand.press(key)
            await hand.pilot.pause()
            await hand.until(lambda: not hand.app.editing)
            state(hand)
        await hand.until(lambda: state(hand) == last)


async def test_a_model_that_fails_leaves_a_step(tiny: Path, record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        first = state(hand)

        def failing(*_: object) -> None:
            raise RuntimeError("the device is lost")

        with monkeypatch.context() as patch:
            patch.setattr(CachedRunner, "step", failing)
            await hand.run("another")
        assert hand.note("failed") and "· failed ·" in hand.screen_text()
        await hand.press("alt+z")
        await hand.until(lambda: state(hand) == first)
        assert "failed ·" not in hand.screen_text()
