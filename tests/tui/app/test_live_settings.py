"""Settings that move while a run is under way, by keys from anywhere and by the panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key
from textual.widget import Widget

from engine.settings import PARAMETERS, Settings
from tests.tui.app.driving import LONG, SHORT, Hand, marks, session
from tui.actions import KNOBS
from tui.widgets.settings_panel.row_list import RowList

PLACES = ("prompt", "output", "settings")
START = Settings(
    max_new_tokens=-1, temperature=0.8, top_k=40, top_p=0.5, repetition_penalty=1.2, eos_token_id=(), seed=3
)


async def focus(hand: Hand, place: str) -> None:
    panes: dict[str, Widget] = {"prompt": hand.prompt, "output": hand.output, "settings": hand.panel}
    panes[place].focus()
    await hand.pilot.pause()
    focused = hand.app.focused
    assert focused is not None and panes[place] in focused.ancestors_with_self


def panel_line(hand: Hand, title: str) -> str:
    """The panel's row of a setting, as it stands on the screen."""
    left = hand.panel.region.x
    return next(line[left:] for line in hand.screen_lines() if title in line[left : left + 24])


@pytest.mark.parametrize("place", PLACES)
async def test_keys_move_the_settings_in_the_middle_of_a_run_from_any_pane(
    tiny: Path, record: Path, place: str
) -> None:
    async with session(record, tiny, START, prompt="the old") as hand:
        await focus(hand, place)
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.press("ctrl+p")
        await hand.until(lambda: hand.stage == "paused")
        for name, (down, up) in KNOBS.items():
            for key, by in ((up, 1), (down, -1), (down, -1)):
                old = getattr(hand.app.session.settings, name)
                new = PARAMETERS[name].stepped(old, by)
                before = len(hand.lines("token"))
                await hand.press(key)
                parameter = PARAMETERS[name]
                assert f" {parameter.format(new)} " in panel_line(hand, parameter.title)
                await hand.press("ctrl+n")
                await hand.tokens(before + 1)
                change = hand.lines("change")[-1]
                assert change == {"event": "change", "at": before, "name": name, "from": old, "to": new}
                label = f"{parameter.title} {parameter.format(old)} → {parameter.format(new)}"
                text = "".join(line["text"] for line in hand.lines("token")[:before])
                await hand.until(lambda mark=(text, label): marks(hand.output)[-1:] == [mark], label)
                assert f"┊{label}┊" in hand.screen_text().replace("\n", "")
        assert len(hand.lines("change")) == 3 * len(KNOBS) == len(marks(hand.output))
        await hand.press("escape")
        if hand.running:  # in the settings escape first closes what is open there
            await hand.press("escape")
        await hand.finished()


async def test_a_change_while_tokens_stream_takes_hold_between_two_of_them(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(5)
        await hand.press("f3", "f3")
        await hand.until(lambda: len(marks(hand.output)) == len(hand.lines("change")) > 0)
        changes = hand.lines("change")
        assert changes[-1]["to"] == 1.1 and hand.running
        await hand.tokens(changes[-1]["at"] + 3)
        events = [line["event"] for line in hand.runs()[0]]
        for change, (before, label) in zip(changes, marks(hand.output), strict=True):
            place = hand.runs()[0].index(change)
            assert events[:place].count("token") == change["at"] >= 5
            assert before == "".join(line["text"] for line in hand.lines("token")[: change["at"]])
            assert label == f"temperature {change['from']:g} → {change['to']:g}"
        await hand.press("escape")
        await hand.finished()


async def test_a_value_at_its_bound_stays(tiny: Path, record: Path) -> None:
    settings = LONG.changed(top_k=0, top_p=1.0, temperature=0.05)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(2)
        for key in ("f8", "f7", "f2"):
            await hand.press(key)
        seen = hand.app.session.new_tokens
        await hand.tokens(seen + 3)
        assert hand.app.session.settings == settings == hand.panel.settings
        assert not hand.lines("change") and not marks(hand.output) and not hand.notes
        await hand.press("escape")
        await hand.finished()


async def test_a_change_between_runs_is_no_mark_and_the_next_run_has_it(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.press("f3", "f3", "f9")
        await hand.run()
        run = hand.lines("run")[0]["settings"]
        assert (run["temperature"], run["top_k"]) == (1.1, 1)
        assert not marks(hand.output) and not hand.lines("change")


async def test_the_panel_changes_a_run_under_way_and_what_waits_waits(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.change(seed=77, min_p=0.02, max_new_tokens=hand.app.session.new_tokens + 40)
        await hand.finished()
        changes = {line["name"]: line["to"] for line in hand.lines("change")}
        assert changes == {"min_p": 0.02, "max_new_tokens": hand.app.session.settings.max_new_tokens}
        assert hand.lines("finish")[0]["sequences"][0]["finish_reason"] == "length"
        await hand.change(max_new_tokens=3)
        await hand.run()
        assert hand.runs()[1][0]["seed"] == 77


async def test_a_mark_stands_only_where_the_run_writes(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(num_return_sequences=3)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.run()
        await hand.press("ctrl+l")
        await hand.change(max_new_tokens=-1)
        await hand.press("ctrl+o")
        await hand.tokens(3)
        await hand.press("f3")
        await hand.until(lambda: marks(hand.output, 1))
        assert not marks(hand.output, 0) and not marks(hand.output, 2)
        await hand.press("escape")
        await hand.finished()


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [("temperature", "-3", "temperature -3: must be"), ("top_k", "many", "top_k many"), ("seed", "1.5", "seed 1.5")],
)
async def test_a_bad_value_is_refused_beside_its_row_and_the_last_good_one_kept(
    tiny: Path, record: Path, name: str, typed: str, said: str
) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        hand.panel.highlight(name)
        await hand.press("ctrl+t")
        assert isinstance(hand.app.focused, RowList)
        await hand.press("enter", *["delete"] * 12, *typed, "enter")
        lines = hand.screen_lines()
        row = next(number for number, line in enumerate(lines) if PARAMETERS[name].title in line)
        assert "✗" in lines[row + 1] and said in lines[row + 1]
        assert getattr(hand.app.session.settings, name) == getattr(SHORT, name)
        await hand.run()  # also from within the editor
        assert hand.lines("run")[0]["settings"][name] == getattr(SHORT, name)
        assert len(hand.lines("token")) == 12


async def test_settings_that_do_not_go_together_are_refused(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT.changed(num_return_sequences=2), prompt="the old") as hand:
        assert not hand.panel.propose("strategy", "greedy")
        assert hand.app.session.settings.strategy == "sample" and hand.panel.refusal is not None
        await hand.run()
        assert {line["sequence"] for line in hand.lines("token")} == {0, 1}


async def test_a_search_takes_what_is_typed_right_behind_the_slash(tiny: Path, record: Path) -> None:
    """In one burst: the letters are no commands, though the field may not have the focus yet."""
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        hand.panel.focus()
        await hand.settle()
        for key in ("slash", *"overflow"):
            hand.app.post_message(Key(key, "/" if key == "slash" else key))
        await hand.until(lambda: hand.panel.names == ["overflow"], "the rows that were searched for")
        assert hand.panel.query_text == "overflow" and not hand.lines("run")
