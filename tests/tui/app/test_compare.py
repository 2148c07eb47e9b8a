"""Compare and sweep: runs beside the text, which leave it and its cache alone until one is taken over."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.comparison import parting
from engine.generation import generate
from engine.models import load as loading
from engine.session.record import open_record
from engine.settings import Settings
from tests.models import saved, tiny_gpt2
from tests.scripted import scripted
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.screens.compare import CompareScreen


async def opened(hand: Hand, key: str, line: str | None = None) -> CompareScreen:
    await hand.press(key)
    await hand.until(lambda: isinstance(hand.app.screen, CompareScreen), "the screen")
    screen = hand.app.screen
    assert isinstance(screen, CompareScreen)
    if line is not None:
        screen._line.value = line
    return screen


async def compared(hand: Hand, screen: CompareScreen) -> None:
    await hand.press("enter")
    await hand.until(lambda: screen._job is None and screen.comparison is not None, "the end of all")
    await hand.settle()


def expected(hand: Hand, settings: Settings, prompt: str) -> Any:
    """What a run of its own, from empty caches, makes of this."""
    model = hand.worker._model
    assert model is not None
    *_, end = generate(model.apart(), prompt, settings)
    return end.sequences[0]  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36), (200, 60)])
async def test_presets_beside_each_other_are_what_each_would_write_alone(
    tiny: Path, record: Path, size: tuple[int, int]
) -> None:
    async with session(record, tiny, SHORT, size=size, prompt="the old ") as hand:
        screen = await opened(hand, "alt+u")
        assert "now | preset=2 | preset=4" in hand.screen_text()
        await compared(hand, screen)
        comparison = screen.comparison
        assert comparison is not None
        ends = [expected(hand, side.variant.settings, "the old ") for side in comparison.sides]
        assert [side.end.token_ids for side in comparison.sides if side.end] == [end.token_ids for end in ends]
        assert len(screen.columns.views) == {60: 1, 80: 2, 120: 3, 200: 3}[size[0]]
        for number, (side, end) in enumerate(zip(comparison.sides, ends, strict=True)):
            if number >= len(screen.columns.views):
                await hand.press("ctrl+l")
            assert screen.columns.current.sequence == number
            view = screen.columns.current
            assert view.text() == "the old " + end.text
            if number:
                where = parting(ends[0], end, same_model=True)
                assert side.parting == where is not None
                assert f"parts after {where.tokens} tokens" in str(view.border_subtitle)
                starts = [step.start for step in side.session.steps(0)]
                assert side.parts == max(start for start in starts if start <= where.characters)
                pieces = list(screen.columns.texts.documents[number].pieces)
                place = next(at for at, piece in enumerate(pieces) if piece.kind == "mark")
                before = "".join(piece.text for piece in pieces[:place])
                assert before == "the old " + end.text[: side.parts]
                assert pieces[place].text == "┊parts from 1┊"
            if number + 1 < len(ends) and number + 1 < len(screen.columns.views):
                await hand.press("ctrl+l")
        assert "part" in screen.columns.texts.documents[0].pieces[1].text
        assert "[3] preset 4 wild" in hand.screen_text() and not hand.app.session.sequences


async def test_the_text_its_cache_and_its_record_are_left_alone(tiny: Path, record: Path, tmp_path: Path) -> None:
    async def two_runs(path: Path, between: bool) -> list[list[dict[str, Any]]]:
        async with session(path, tiny, SHORT, prompt="the old ") as hand:
            await hand.run()
            if between:
                screen = await opened(hand, "alt+u", "now | temperature=0.5 | strategy=beam num_beams=3")
                await compared(hand, screen)
                await hand.press("escape")
                await hand.until(lambda: hand.app.screen is hand.app.main)
            hand.output.focus()
            await hand.press("ctrl+o")
            await hand.until(lambda: len(hand.app.session.sequences[0].steps) == 24)
            await hand.finished()
            return hand.runs()

    first, *beside, second = await two_runs(record, True)
    plain = await two_runs(tmp_path / "plain.jsonl", False)

    def bare(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in line.items() if key not in ("time", "seconds", "timing")} for line in lines
        ]

    assert [bare(first), bare(second)] == [bare(run) for run in plain], "also what was found in the cache"
    assert [run[0]["how"] for run in beside] == ["compare"] * 3
    assert all(run[0]["prompt"] == "the old " and run[-1]["event"] == "finish" for run in beside)
    assert [run.aside for run in open_record(record).runs] == [False, True, True, True, False]


async def test_a_sweep_goes_through_the_range_of_the_setting_that_is_looked_at(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, size=(200, 60), prompt="the old ") as hand:
        hand.panel.highlight("top_k")
        screen = await opened(hand, "alt+q")
        assert screen.line.startswith("top_k=off,")
        screen._line.value = "temperature=0.2..1.4/0.3"
        await compared(hand, screen)
        assert [side.variant.settings.temperature for side in screen.comparison.sides] == [0.2, 0.5, 0.8, 1.1, 1.4]  # type: ignore[union-attr]
        titles = [str(view.border_title) for view in screen.columns.views]
        assert len(titles) == 5 and "temperature 0.2" in titles[0] and "temperature 1.4" in titles[4]


async def test_results_are_rows_where_the_screen_is_narrow_and_high(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, size=(60, 40), prompt="the old ") as hand:
        screen = await opened(hand, "alt+q", "temperature=0.5,1,1.5")
        await compared(hand, screen)
        tops = [view.region.y for view in screen.columns.views]
        assert len(tops) == 3 and all(below - above >= 8 for above, below in pairwise(tops))
        hand.app.screen.query_one("#compare-columns").focus()
        screen.columns.current.focus()
        await hand.press("c")
        await hand.settle()
        assert len(screen.columns.views) == 1


async def test_one_is_taken_over_gone_on_with_and_undone(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old ") as hand:
        await hand.run()
        before = hand.app.session.sequences[0].text
        screen = await opened(hand, "alt+u", "now | temperature=0.5 top_k=7")
        await compared(hand, screen)
        await hand.press("ctrl+l", "enter")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        taken = hand.app.session.sequences[0]
        assert hand.output.text(prompt=False) == taken.text != before
        assert hand.app.session.settings == SHORT.changed(temperature=0.5, top_k=7)
        await hand.until(lambda: hand.lines("take"), "what the worker writes down")
        [line] = hand.lines("take")
        assert (line["prompt"], line["texts"], line["name"]) == ("the old ", [taken.text], "temperature 0.5, top-k 7")
        await hand.press("ctrl+o")
        await hand.until(lambda: len(hand.app.session.steps(0)) == 24)
        await hand.finished()
        whole = expected(hand, SHORT.changed(temperature=0.5, top_k=7, max_new_tokens=24), "the old ")
        assert hand.app.session.sequences[0].text == whole.text, "it goes on on its own random stream"
        await hand.press("alt+z", "alt+z")
        await hand.until(lambda: hand.app.session.sequences[0].text == before)


async def test_escape_ends_it_then_closes_and_what_did_not_begin_is_said(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old ") as hand:
        screen = await opened(hand, "alt+u", "now | temperature=0.5")
        await hand.press("enter")
        await hand.until(lambda: screen.comparison and screen.comparison.sides[0].session.new_tokens > 3)
        await hand.settle()
        assert "0 of 2 are there; as set now:" in hand.screen_text()
        await hand.press("enter")
        await hand.settle()
        assert hand.app.screen is screen and "then one can be taken over" in hand.screen_text()
        await hand.press("escape")
        await hand.until(lambda: screen._job is None, "the end")
        assert screen.comparison is not None
        assert [screen.comparison.state(0)[0], screen.comparison.state(1)[0]] == ["stopped", "left out"]
        await hand.press("ctrl+l", "enter")
        await hand.until(lambda: "Nothing has come of this one" in hand.screen_text())
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        await hand.change(max_new_tokens=3)
        await hand.run()
        assert hand.app.session.sequences[0].tokens == 3, "the worker is free again"


async def test_another_model_is_loaded_for_it_and_let_go_of(
    tiny: Path, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, loaded = scripted(tmp_path / "other", "the old ", "[b]oat and more"), []
    real = loading.load

    def watched(name: Any, **options: Any) -> Any:
        model = real(name, **options)
        loaded.append(weakref.ref(model.model))
        return model

    async with session(record, tiny, SHORT, prompt="the old ") as hand:
        monkeypatch.setattr(loading, "load", watched)
        screen = await opened(hand, "alt+u", f"now | model='{other}' | model='{tmp_path}/none'")
        await compared(hand, screen)
        sides = screen.comparison.sides  # type: ignore[union-attr]
        assert sides[1].session.sequences[0].text.startswith("[b]oat")
        assert "none" in screen.comparison.state(2)[0] and sides[2].error  # type: ignore[union-attr]
        gc.collect()
        assert len(loaded) == 1 and loaded[0]() is None
        assert [run[0]["model"]["name"] for run in hand.runs()] == [str(tiny), str(other)]
        screen.columns.turn(1)
        screen.columns.current.focus()
        await hand.press("enter")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        taken = hand.app.session.sequences[0]
        assert taken.text.startswith("[b]oat") and not taken.ids and not taken.steps
        await hand.press("ctrl+o")
        await hand.until(lambda: len(hand.lines("run")) == 3)
        await hand.finished()
        assert hand.app.session.sequences[0].text.startswith(taken.text)
        assert hand.lines("run")[2]["model"]["name"] == str(tiny)


async def test_the_same_is_said_to_be_the_same_and_bad_input_in_one_line(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT, prompt="the old ") as hand:
        screen = await opened(hand, "alt+u", "now | temprature=2")
        await hand.press("enter")
        await hand.until(lambda: "did you mean temperature" in hand.screen_text())
        screen._line.value = "now"
        await hand.press("enter")
        await hand.until(lambda: "Two at least" in hand.screen_text())
        await hand.press("alt+7")
        assert screen.line == "now | preset=7"
        screen._line.value = "now | temperature=1"
        await compared(hand, screen)
        assert screen.comparison.state(1)[0] == "the same as 1"  # type: ignore[union-attr]
        assert not [p for document in screen.columns.texts.documents for p in document.pieces if p.kind == "mark"]
        await hand.press("escape")
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        screen = await opened(hand, "alt+u")
        assert screen.line == "now | temperature=1", "what was compared last"
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        await hand.change(max_new_tokens=-1)
        await hand.press("ctrl+j")
        await hand.tokens(2)
        await hand.press("alt+u")
        await hand.until(lambda: "A run is under way" in hand.screen_text())


async def test_quitting_ends_a_comparison(record: Path, tmp_path: Path) -> None:
    model = saved(tiny_gpt2(n_positions=8192), tmp_path / "model")
    async with session(record, model, LONG, prompt="the old ") as hand:
        screen = await opened(hand, "alt+q", "temperature=0.5,1,1.5")
        await hand.press("enter")
        await hand.until(lambda: screen.comparison and screen.comparison.sides[0].session.new_tokens > 3)
        await hand.press("ctrl+q")
        await hand.until(lambda: not hand.worker._thread.is_alive(), "the end of the worker")
    assert len(hand.lines("run")) == 1
