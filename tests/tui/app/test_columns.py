"""Several sequences side by side: what the columns show is what the session holds, and each key acts on the current."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.settings import Settings
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.pieces import text_of
from tui.widgets.output.columns import NARROWEST

THREE = SHORT.changed(num_return_sequences=3)


def shown(hand: Hand) -> list[int]:
    """The sequences that are to be seen, from left to right."""
    return [view.sequence for view in hand.app.main.columns.views]


def check(hand: Hand) -> None:
    """Each column shows the text of its own sequence, laid out to its own width, and room enough."""
    views, current = hand.app.main.columns.views, hand.output
    assert current in views and len({view.sequence for view in views}) == len(views)
    for view in views:
        assert view.text() == text_of(hand.app.session.pieces(view.sequence))
        assert len(views) == 1 or view.region.width >= NARROWEST - 1
        assert view._shown.wrapped(view._limit).limit <= view.size.width


@pytest.mark.parametrize(
    ("size", "before", "after"),
    [
        ((60, 16), [0], [0]),
        ((80, 24), [0, 1], [0]),
        ((120, 36), [0], [0, 1, 2]),
        ((200, 60), [0, 1], [0]),
        ((36, 12), [0], [0]),
    ],
)
async def test_as_many_as_have_room_and_a_key_for_one_or_all(
    tiny: Path, record: Path, size: tuple[int, int], before: list[int], after: list[int]
) -> None:
    async with session(record, tiny, THREE, size=size, prompt="the old ") as hand:
        await hand.run()
        await hand.settle()
        assert shown(hand) == before
        check(hand)
        texts = [hand.output.text(number) for number in range(3)]
        assert len(set(texts)) == 3
        hand.output.focus()
        await hand.press("c")
        await hand.settle()
        assert shown(hand) == after
        check(hand)
        if len(before) == len(after) == 1 and size[0] > 40:
            assert "Two columns need 72 cells" in hand.screen_text()
        await hand.press("alt+k")
        await hand.settle()
        assert shown(hand) == before or len(after) == 1


async def test_they_stream_together_and_follow_their_own_ends(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG.changed(num_return_sequences=2), size=(80, 24), prompt="the old ") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(700)
        first, second = hand.app.main.columns.views
        second.focus()
        second.scroll_to(y=0, animate=False)
        await hand.settle()
        more = hand.app.session.new_tokens
        await hand.tokens(more + 40)
        assert first.following and not second.following and first.streaming and second.streaming
        await hand.press("escape")
        await hand.finished()
        await hand.settle()
        check(hand)
        assert not first.streaming and "stopped" in str(first.border_subtitle)
        assert "[2] seed 43" in hand.screen_text()


async def test_the_focused_column_is_the_one_that_keys_act_on(tiny: Path, record: Path) -> None:
    async with session(record, tiny, THREE, size=(80, 24), prompt="the old ") as hand:
        await hand.run()
        await hand.settle()
        first, second = hand.app.main.columns.views
        first.focus()
        await hand.press("left")
        assert hand.app.walked == len(hand.app.session.steps(0)) - 1 and first._pointed
        await hand.press("tab")
        await hand.until(lambda: hand.app.focused is second and hand.app.walked is None)
        assert hand.output is second and first._pointed is None
        await hand.press("left", "left")
        assert hand.app.walked == len(hand.app.session.steps(1)) - 2 and second._pointed
        await hand.press("Y")
        assert hand.app.clipboard == hand.app.session.sequences[1].text
        await hand.press("ctrl+l")  # the third has no room: the first makes place
        await hand.until(lambda: hand.app.main.columns.current.sequence == 2)
        await hand.settle()
        assert shown(hand) == [1, 2] and hand.output.has_focus and "2 to 3 of 3 have room" in hand.screen_text()
        check(hand)
        text = hand.app.session.sequences[2].text
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.app.session.sequences[2].text.startswith(text)
        assert [run["sequence"] for run in hand.lines("run")[1:]] == [2]
        await hand.settle()
        check(hand)
        await hand.press("ctrl+f", *"zz")
        assert hand.app.main.find_bar.pane is hand.output
        await hand.pilot.click(hand.app.main.columns.views[0])
        await hand.until(lambda: hand.output.sequence == 1)
        await hand.until(lambda: hand.app.main.find_bar.pane is hand.output)


async def test_one_is_kept_and_gone_on_with_and_undo_brings_the_others_back(tiny: Path, record: Path) -> None:
    async with session(record, tiny, THREE, size=(120, 36), prompt="the old ") as hand:
        await hand.run()
        texts = [written.text for written in hand.app.session.sequences]
        await hand.press("ctrl+l", "alt+m")
        await hand.until(lambda: len(hand.app.session.sequences) == 1)
        assert hand.output.text(prompt=False) == texts[1] and hand.output.sequences == 1
        [line] = hand.lines("keep")
        assert line["sequence"] == 1 and line["texts"] == [texts[1]]
        await hand.press("ctrl+o")
        await hand.finished()
        [kept] = hand.app.session.sequences
        assert kept.text.startswith(texts[1]) and kept.tokens == 24
        await hand.press("alt+m")
        await hand.until(lambda: "no other sequence" in hand.screen_text())
        await hand.press("ctrl+r")  # what went on is done anew, in the one that was kept
        await hand.until(lambda: len(hand.lines("run")) == 3)
        await hand.finished()
        assert len(hand.app.session.sequences) == 1
        assert hand.app.session.sequences[0].text.startswith(texts[1])
        for _ in range(3):
            await hand.press("alt+z")
        await hand.until(lambda: [written.text for written in hand.app.session.sequences] == texts)


async def test_what_was_kept_goes_on_as_it_would_have_alone(tiny: Path, record: Path, tmp_path: Path) -> None:
    async with session(record, tiny, THREE, prompt="the old ") as hand:
        await hand.run()
        await hand.press("ctrl+l", "alt+m", "ctrl+o")
        await hand.until(lambda: len(hand.lines("run")) == 2)
        await hand.finished()
        kept = hand.app.session.sequences[0].text
    alone = SHORT.changed(seed=SHORT.seed + 1, max_new_tokens=24)
    async with session(tmp_path / "alone.jsonl", tiny, alone, prompt="the old ") as hand:
        await hand.run()
        assert hand.app.session.sequences[0].text == kept


async def test_the_settings_stay_a_key_away_where_the_columns_took_their_room(tiny: Path, record: Path) -> None:
    async with session(record, tiny, THREE, size=(120, 36), prompt="the old ") as hand:
        await hand.run()
        await hand.press("alt+k")
        await hand.settle()
        assert shown(hand) == [0, 1, 2] and not hand.panel.region
        await hand.press("ctrl+t")
        await hand.settle()
        assert hand.panel.region and shown(hand) == [0]
        await hand.press("ctrl+t")
        await hand.settle()
        assert shown(hand) == [0, 1, 2] and not hand.panel.region
        hand.app.session.settings = Settings(max_new_tokens=4)
        await hand.run()
        await hand.settle()
        assert shown(hand) == [0] and hand.panel.region, "one sequence needs no room beside it"
        await hand.press("alt+k")
        await hand.until(lambda: "There is one sequence" in hand.screen_text())
