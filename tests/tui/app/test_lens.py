"""The lens and the token cursor: whose numbers stand there, and the roads that are taken from there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.weighing import Weighing
from tests.models import tiny_gpt2
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.steps import ids_before
from tui.widgets.lens import LensPane

WARM = SHORT.changed(temperature=0.7, top_k=30)


async def looked(hand: Hand, chosen: int | None) -> Weighing:
    """What the lens shows, once it shows the step of this token (None: the one to come)."""
    lens = hand.pane(LensPane)
    await hand.until(lambda: lens.weighing is not None and lens.weighing.chosen == chosen, f"the step of {chosen}")
    assert lens.weighing is not None
    return lens.weighing


async def walked(hand: Hand, step: int) -> Weighing:
    """Put the token cursor on a step, and wait for its numbers."""
    before = hand.app._asked
    hand.app.walk_to(step)
    lens = hand.pane(LensPane)
    title = f"Token {step + 1}"
    await hand.until(lambda: hand.app._asked > before and lens.border_title == title, title)
    return await looked(hand, hand.app.session.steps(0)[step].token.id)


def models_own(ids: tuple[int, ...]) -> torch.Tensor:
    """What comes after these ids, by the model alone (vocabulary,)."""
    model = tiny_gpt2(n_positions=8192).model
    return torch.softmax(model(torch.tensor([ids])).logits[0, -1].detach().double(), dim=-1)


async def test_each_token_shows_its_own_numbers_under_its_own_settings_also_after_a_swap(
    tiny: Path, record: Path
) -> None:
    async with session(record, tiny, WARM, prompt="the old") as hand:
        await hand.run()
        await hand.change(temperature=1.9)
        await hand.press("ctrl+o")
        await hand.finished()
        swap = hand.app.session.steps(0)[6]
        other = next(i for i in (await walked(hand, 6)).ids if i != swap.token.id)
        hand.pane(LensPane).post_message(LensPane.Taken(other))
        await hand.until(lambda: hand.app.session.running)
        await hand.finished()
        steps = hand.app.session.steps(0)
        assert steps[6].token.id == other and steps[6].token.picked
        for step in (0, 5, 6, 9):
            weighing = await walked(hand, step)
            raw = models_own(ids_before(steps, step))
            assert weighing.chosen == steps[step].token.id
            first, second, *_ = weighing.stages
            assert first.probability == pytest.approx(float(raw[weighing.chosen]), abs=1e-5)
            assert first.rank == 1 + int((raw > raw[weighing.chosen]).sum())
            temperature = 0.7 if step < 6 else 1.9
            warm = torch.softmax(raw.log() / temperature, dim=-1)
            assert second.name == "temperature"
            assert second.probability == pytest.approx(float(warm[weighing.chosen]), abs=1e-5), step


async def test_the_bars_of_the_next_token_move_before_it_is_drawn(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        lens = hand.pane(LensPane)
        await hand.until(lambda: lens.weighing is not None and lens.weighing.chosen is not None)
        await hand.press("ctrl+p")
        await hand.until(lambda: hand.stage == "paused")
        before = await looked(hand, None)
        count = hand.app.session.new_tokens
        assert [stage.name for stage in before.stages] == ["raw"]
        await hand.press("f3")
        await hand.until(lambda: hand.pane(LensPane).weighing is not before)
        after = await looked(hand, None)
        assert [stage.name for stage in after.stages] == ["raw", "temperature"]
        assert after.stages[0].probabilities == before.stages[0].probabilities
        assert after.stages[1].entropy > before.stages[0].entropy, "a step warmer"
        assert hand.app.session.new_tokens == count


async def test_while_it_streams_the_newest_token_is_shown(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        for _ in range(3):
            lens, before = hand.pane(LensPane), hand.pane(LensPane).weighing
            await hand.until(
                lambda lens=lens, before=before: lens.weighing is not before and lens.weighing.chosen is not None,
                "another token's numbers",
            )
            assert (lens.border_title or "").startswith("Token ")
        await hand.press("escape")
        await hand.finished()


async def test_tokens_are_chosen_by_hand_one_after_the_other(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        hand.app.ask_lens()
        chosen = []
        await hand.press("alt+l")
        for number in range(4):
            weighing = await looked(hand, None)
            chosen.append(weighing.ids[number])
            await hand.press(str(number + 1))
            await hand.until(lambda count=number + 1: len(hand.app.session.steps(0)) == count, "the token")
            await hand.until(lambda: hand.stage == "paused")
            await hand.until(lambda old=weighing: hand.pane(LensPane).weighing not in (None, old))
        assert [step.token.id for step in hand.app.session.steps(0)] == chosen
        assert all(line["picked"] for line in hand.lines("token"))
        await hand.press("alt+l", "ctrl+p")
        await hand.finished()
        assert [step.token.picked for step in hand.app.session.steps(0)] == [True] * 4 + [False] * 8


async def test_arrows_walk_the_tokens_of_the_output_and_backspace_rewinds(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        whole = hand.output.text()
        hand.output.focus()
        await hand.press("left", "left", "left")
        assert hand.app.walked == 9
        await hand.press("right")
        assert hand.app.walked == 10
        await hand.press("backspace")
        await hand.until(lambda: len(hand.app.session.steps(0)) == 10)
        assert whole.startswith(hand.output.text()) and "rewound" in hand.screen_text()
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text()[: len(whole)] == whole, "the same road again"
        await hand.press("u", "u")
        await hand.until(lambda: hand.output.text() == whole)
        await hand.press("left", "right", "right")
        assert hand.app.walked is None
        assert [line["at"] for line in hand.lines("rewind")] == [10]


async def test_arrows_stay_what_they_are_elsewhere(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        hand.prompt.focus()
        hand.prompt.move_cursor((0, 3))
        await hand.press("left", "backspace")
        assert hand.app.walked is None and hand.prompt.text == "te old"
        hand.panel.focus()
        await hand.press("right")
        assert hand.app.walked is None


async def test_a_swap_is_one_step_to_undo_and_is_recorded(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        whole = hand.output.text()
        weighing = await walked(hand, 4)
        other = next(i for i in weighing.ids if i != weighing.chosen)
        hand.pane(LensPane).focus()
        await hand.press(str(weighing.ids.index(other) + 1))
        await hand.until(lambda: hand.app.session.running)
        await hand.finished()
        assert hand.app.session.steps(0)[4].token.picked
        [_, run] = hand.lines("run")
        assert (run["how"], run["at"], run["sequence"]) == ("picked", 4, 0)
        await hand.press("alt+z")
        await hand.until(lambda: hand.output.text() == whole)


async def test_what_cannot_be_picked_is_said(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(2)
        hand.pane(LensPane).post_message(LensPane.Taken(5))
        await hand.until(lambda: "holds it" in hand.screen_text())
        await hand.press("escape")
        await hand.finished()
        await hand.change(strategy="beam")
        hand.pane(LensPane).post_message(LensPane.Taken(5))
        await hand.until(lambda: "Beams choose several" in hand.screen_text())


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (200, 60)])
async def test_the_lens_is_a_key_away_at_any_size(tiny: Path, record: Path, size: tuple[int, int]) -> None:
    async with session(record, tiny, SHORT, prompt="the old", size=size) as hand:
        await hand.run()
        await hand.press("alt+l")
        await hand.until(lambda: hand.app.main.lens_shown)
        await looked(hand, None)
        await hand.settle()
        assert "1 " in hand.screen_text() and "entropy" in hand.screen_text()
        await hand.press("alt+l")
        await hand.until(lambda: hand.output.has_focus and bool(hand.output.is_on_screen))


async def test_the_lens_goes_with_the_text_whatever_changes_it(tiny: Path, record: Path) -> None:
    async with session(record, tiny, WARM, prompt="the old") as hand:
        await hand.run()
        await hand.until(lambda: hand.app._answered == hand.app._asked)
        first = await looked(hand, None)
        await hand.press("f3", "ctrl+j")
        await hand.finished()
        await hand.until(lambda: hand.app._answered == hand.app._asked and hand.pane(LensPane).weighing is not first)
        second = await looked(hand, None)
        assert second.ids != first.ids or second.stages[0].probabilities != first.stages[0].probabilities
        for key, written in (("alt+z", first), ("alt+y", second)):
            await hand.press(key)
            await hand.until(
                lambda wanted=written: (
                    hand.pane(LensPane).weighing is not None
                    and hand.pane(LensPane).weighing.stages[0].probabilities
                    == pytest.approx(wanted.stages[0].probabilities, abs=1e-5)
                ),
                f"what follows the text that {key} brought",
            )
