"""What a strategy weighs is seen while it does: the beams and their tails, the candidates, the layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.events import Beam, Beams, Prepared
from engine.settings import Settings
from tests.scripted import scripted
from tests.tui.app.driving import SHORT, Hand, pieces, session
from tui.widgets.output.document import TAIL
from tui.widgets.strategy_pane import StrategyPane

BEAMS = Settings(strategy="beam", num_beams=4, max_new_tokens=24, eos_token_id=())


def tail(hand: Hand) -> str:
    return hand.output.texts.documents[hand.output.sequence].tail


async def hold_with_a_tail(hand: Hand) -> None:
    """Step until the beams disagree."""
    for step in range(20):
        await hand.press("ctrl+n")
        await hand.until(lambda done=step: len(hand.lines("run")) == 1 and hand.stage == "paused", f"step {step}")
        await hand.settle()
        if tail(hand):
            return
    raise AssertionError("the beams never disagreed")


async def test_the_best_beams_tail_is_seen_and_is_no_text(record: Path, tiny: Path) -> None:
    async with session(record, tiny, BEAMS, prompt="the old ") as hand:
        await hold_with_a_tail(hand)
        screen, text = hand.screen_text(), hand.output.text()
        assert TAIL[0] in screen and "▶" in screen, screen
        assert all(kind != "tail" for kind, _ in pieces(hand.output)) and not text.endswith(tail(hand))
        pane = hand.pane(StrategyPane)
        assert pane.display and f"{BEAMS.num_beams} alive" in str(pane.border_subtitle)
        await hand.press("ctrl+o")
        await hand.finished()
        await hand.settle()
        written = hand.app.session.sequences[0]
        assert not tail(hand) and hand.output.text(prompt=False) == written.text
        assert hand.output.text(prompt=False) == "".join(line["text"] for line in hand.lines("token"))
        assert written.score is not None and f"score {written.score:.3f}" in str(hand.output.border_subtitle)
        assert pane.display and pane.has_class("-past")


async def test_an_edit_has_no_score(record: Path, tiny: Path) -> None:
    async with session(record, tiny, BEAMS, prompt="the old ") as hand:
        await hand.run()
        assert "score" in str(hand.output.border_subtitle)
        hand.output.focus()
        await hand.press("alt+e", "x", "escape")
        await hand.until(lambda: "edited" in str(hand.output.border_subtitle))
        assert "score" not in str(hand.output.border_subtitle)
        await hand.press("alt+z")
        await hand.until(lambda: "score" in str(hand.output.border_subtitle))


async def test_every_sequence_has_a_beam_of_its_own(record: Path, tiny: Path) -> None:
    settings = BEAMS.changed(num_return_sequences=2)
    async with session(record, tiny, settings, prompt="the old ") as hand:
        await hold_with_a_tail(hand)
        first = tail(hand)
        await hand.press("ctrl+l")
        await hand.until(lambda: hand.output.sequence == 1)
        assert tail(hand) and tail(hand) != first


@pytest.mark.parametrize(
    ("settings", "title", "sign"),
    [
        (Settings(strategy="contrastive", penalty_alpha=0.6, top_k=4, max_new_tokens=6), "Candidates", "●"),
        (Settings(strategy="dola", dola_layers="low", max_new_tokens=6), "Layers", "so far"),
        (Settings(strategy="diverse-beam", num_beams=4, num_beam_groups=2, max_new_tokens=6), "Beams", "group 2"),
    ],
)
async def test_each_strategy_shows_what_it_weighs(
    record: Path, tiny: Path, settings: Settings, title: str, sign: str
) -> None:
    async with session(record, tiny, settings.changed(eos_token_id=()), prompt="the old ") as hand:
        await hand.run()
        await hand.settle()
        screen = hand.screen_text()
        assert title in screen and sign in screen, screen
        await hand.change(strategy="sample")
        await hand.run()
        await hand.settle()
        assert not hand.pane(StrategyPane).display


@pytest.mark.parametrize(("size", "lines"), [((80, 24), 2), ((120, 36), 5), ((50, 12), 0)])
async def test_the_pane_gives_way_to_the_output(record: Path, tiny: Path, size: tuple[int, int], lines: int) -> None:
    async with session(record, tiny, BEAMS.changed(num_beams=5), prompt="the old ", size=size) as hand:
        await hand.run()
        await hand.settle()
        pane = hand.pane(StrategyPane)
        assert pane.content_size.height >= lines and (lines or not pane.region)
        assert hand.output.size.height >= 2


def test_what_falls_is_seen_to_fall_and_hostile_text_is_made_safe() -> None:
    pane = StrategyPane()
    beams = tuple(Beam((1,), f"way \x1b]0;{n}\x07" + "x" * 300, -float(n)) for n in range(3))
    pane.hear(Beams(4, 2, beams[:2], (), beams[2:]))
    lines = pane.lines(40)
    assert [line.plain[0] for line in lines] == ["▶", "▶", "✗"]
    assert all(line.cell_length <= 40 and "\x1b" not in line.plain for line in lines)
    assert any("strike" in str(span.style) for span in lines[2].spans)
    assert "✗ 1 fallen" in str(pane.border_subtitle)
    pane.hear(Prepared("", ()))
    assert not pane.lines(40)


async def test_a_draft_shows_what_came_of_it(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", " river and a river and a hill and a river")
    settings = SHORT.changed(strategy="assisted", do_sample=False, max_new_tokens=30)
    async with session(record, model, settings, prompt="a") as hand:
        await hand.run()
        pane = hand.pane(StrategyPane)
        assert str(pane.border_title).startswith("Draft by")
        drafted = hand.lines("drafted")
        proposed, accepted = (sum(len(line["ids"]) for line in drafted), sum(line["accepted"] for line in drafted))
        assert proposed > accepted > 0
        assert f"✓ {accepted} of {proposed} accepted" in hand.screen_text()
