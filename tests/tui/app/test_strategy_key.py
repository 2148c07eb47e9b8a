"""F4: the next strategy that works as things stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.settings import Settings
from engine.settings.names import STRATEGIES
from tests.tui.app.driving import LONG, session
from tui.commands.settings import next_strategy


def round_from(settings: Settings, *, live: bool) -> list[str]:
    """The strategies that the key gives, one after the other, until the first comes again."""
    names = [settings.strategy]
    while (name := next_strategy(settings, live=live)[0]) and name != names[0]:
        names.append(name)
        settings = settings.changed(strategy=name)
    return names


def test_the_key_goes_round_all_that_the_settings_let_be() -> None:
    assert sorted(round_from(Settings(), live=False)) == sorted(STRATEGIES[:-1])
    assert "constrained-beam" in round_from(Settings(force_words_ids=(((3,),),)), live=False)
    several = round_from(Settings(num_return_sequences=3), live=False)
    assert "sample" in several and not {"greedy", "contrastive"} & set(several)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (Settings(), {"sample", "greedy"}),
        (Settings(strategy="beam"), {"beam", "beam-sample"}),
        (Settings(strategy="contrastive"), {"contrastive"}),
        (Settings(num_return_sequences=2), {"sample"}),
    ],
)
def test_in_a_run_it_offers_what_the_run_can_turn_to(settings: Settings, names: set[str]) -> None:
    assert set(round_from(settings, live=True)) == names


async def test_the_key_turns_a_run_and_says_to_what(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.press("f4")
        await hand.until(lambda: "Strategy: sample → greedy." in hand.screen_text())
        assert hand.app.session.settings.strategy == "greedy"
        left = hand.panel.region.x
        assert any("strategy" in line[left:] and "greedy" in line[left:] for line in hand.screen_lines())
        await hand.until(lambda: hand.lines("change"))
        await hand.press("escape")
        await hand.finished()
    [change] = hand.lines("change")
    assert (change["name"], change["from"], change["to"]) == ("strategy", "sample", "greedy")


async def test_where_there_is_no_other_it_says_so(tiny: Path, record: Path) -> None:
    settings = LONG.changed(strategy="contrastive")
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(1)
        await hand.press("f4")
        await hand.until(lambda: "works as things stand: a run is under way." in hand.screen_text())
        assert hand.app.session.settings == settings
        await hand.press("escape")
        await hand.finished()
