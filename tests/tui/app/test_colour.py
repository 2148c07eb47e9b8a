"""Colouring the text in the app: the key, the legend, and numbers that are the model's own."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from rich.style import Style
from textual.strip import Strip

from engine.models.loaded import LoadedModel
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.colouring import LEVELS, MODES
from tui.config.declaration import HIGH_CONTRAST, THEMES
from tui.steps import ids_before
from tui.widgets.output.looks import SHADES


def legend(hand: Hand) -> str:
    return hand.app.main.legend.render().plain if hand.app.main.legend.display else ""


async def measured(hand: Hand) -> None:
    steps = hand.app.session.steps(hand.output.sequence)
    await hand.until(lambda: steps and not any(map(hand.app.colouring.measures.lacks, steps)), "all numbers")
    await hand.settle()


def check(hand: Hand) -> None:
    """The numbers of all tokens, against one pass of the model itself."""
    model: LoadedModel | None = hand.worker._model
    assert model is not None
    steps = hand.app.session.steps(0)
    for number, step in enumerate(steps):
        with torch.inference_mode():
            logits = model.model(torch.tensor([ids_before(steps, number)])).logits[0, -1].double()
        logprobs = logits.log_softmax(-1)
        told = hand.app.colouring.measures.of(step)
        assert told is not None
        assert told.logprob == pytest.approx(float(logprobs[step.token.id]), abs=1e-3)
        assert told.rank == 1 + int((logprobs > logprobs[step.token.id]).sum())
        entropy = -float((logprobs.exp() * logprobs).sum()) / math.log(2)
        assert told.entropy == pytest.approx(entropy, abs=1e-3)


async def test_the_key_goes_through_the_modes_and_the_legend_says_which(tiny: Path, record: Path) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        await hand.run()
        assert not legend(hand)
        for mode in (*MODES[1:], ""):
            await hand.press("alt+v")
            await hand.settle()
            assert legend(hand).startswith(mode) and bool(legend(hand)) == bool(mode)
            assert hand.app.colouring.mode == mode
        hand.output.focus()
        await hand.press("v")
        assert hand.app.colouring.mode == "probability", "the letter does it where nobody types"


async def test_numbers_are_the_models_own_after_another_road_too(tiny: Path, record: Path) -> None:
    async with session(record, tiny, SHORT.changed(temperature=0.7, top_k=40), prompt="the old") as hand:
        await hand.run()
        await hand.press("alt+v")
        await measured(hand)
        check(hand)
        await hand.press("f3", "ctrl+o")  # these are told as they come
        await hand.finished()
        assert all(line.get("numbers") for line in hand.runs()[1] if line["event"] == "token")
        hand.output.focus()
        await hand.press("left", "left", "left", "backspace", "ctrl+o")
        await hand.until(lambda: len(hand.runs()) == 3 and not hand.running)
        await hand.press(*["left"] * 9, "t", *"so", "enter", "ctrl+o")
        await hand.until(lambda: len(hand.runs()) == 4 and not hand.running)
        await hand.press("alt+z", "alt+z")
        await measured(hand)
        check(hand)
        await hand.press("alt+y", "alt+y")
        await measured(hand)
        check(hand)


async def test_what_came_unmeasured_is_measured_while_a_run_is_held(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(5)
        await hand.press("ctrl+p")
        await hand.until(lambda: hand.stage == "paused")
        await hand.press("alt+v")
        await measured(hand)
        assert hand.running
        check(hand)
        await hand.press("ctrl+p")
        await hand.tokens(hand.app.session.new_tokens + 5)
        await hand.press("escape")
        await hand.finished()
        await measured(hand)
        check(hand)


def looks(hand: Hand) -> set[tuple[object, ...]]:
    """The looks of the text on the screen without its colours."""
    strips: list[Strip] = [hand.output.render_line(row) for row in range(hand.output.size.height)]
    return {
        (segment.style.bold or False, segment.style.italic or False)
        for strip in strips
        for segment in strip
        if segment.text.strip() and segment.style
    }


@pytest.mark.parametrize("theme", THEMES)
async def test_classes_are_told_apart_without_colours_and_by_them(tiny: Path, record: Path, theme: str) -> None:
    async with session(record, tiny, SHORT.changed(max_new_tokens=40, temperature=1.5), prompt="Q") as hand:
        hand.app._wear(theme)
        await hand.run()
        await hand.settle()
        before = looks(hand)
        await hand.press("alt+v")
        await measured(hand)
        assert len(looks(hand) - before - {(False, False)}) >= 1, (
            "the tokens of a model that knows nothing are unlikely"
        )
        styles = [hand.output.get_component_rich_style(f"shade--{level}") for level in range(LEVELS)]
        assert len({(style.bold, style.italic) for style in styles}) == LEVELS == len(SHADES)
        assert len({style.bgcolor for style in styles}) == LEVELS
        await hand.press(*["alt+v"] * (len(MODES) - 1))
        await hand.settle()
        assert looks(hand) == before, "nothing of it stays"


def luminance(style: Style, what: str) -> float:
    colour = getattr(style, what)
    parts = [part / 255 for part in colour.triplet]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
async def test_text_can_be_read_on_every_class(record: Path, tiny: Path, theme: str) -> None:
    async with session(record, tiny) as hand:
        hand.app._wear(theme)
        await hand.settle()
        for kind in ("model", "human"):
            text = luminance(hand.output.get_component_rich_style(f"output--{kind}"), "color")
            for level in range(LEVELS):
                below = luminance(hand.output.get_component_rich_style(f"shade--{level}"), "bgcolor")
                ratio = (max(text, below) + 0.05) / (min(text, below) + 0.05)
                assert ratio >= (7.0 if theme == HIGH_CONTRAST else 4.5), (kind, level, ratio)
