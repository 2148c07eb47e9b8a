"""What does not go together is said beside its row before a run: the settings by name, and what to change."""

from __future__ import annotations

from typing import Any

import pytest
from panel_app import PanelApp

from engine import Settings

GROUPS = Settings(strategy="diverse-beam", num_beams=4)


@pytest.mark.parametrize(
    ("before", "name", "value", "said"),
    [
        (GROUPS, "num_beam_groups", 3, "must divide the 4 beams (num_beams) evenly"),
        (GROUPS, "num_beams", 5, "num_beam_groups 2: must divide the 5 beams"),
        (GROUPS, "num_return_sequences", 5, "there are 4 beams (num_beams); ask for no more"),
        (Settings(), "strategy", "constrained-beam", "give force_words, or take strategy beam"),
        (Settings(force_words=("the",), strategy="constrained-beam"), "num_beams", 1, "need at least 2 beams"),
    ],
)
async def test_a_contradiction_is_refused_beside_its_row(before: Settings, name: str, value: Any, said: str) -> None:
    app = PanelApp(before, primary=(name,))
    async with app.run_test(size=(100, 20)) as pilot:
        assert not app.panel.propose(name, value)
        await pilot.pause()
        lines = app.screen_lines()
        place = next(place for place, line in enumerate(lines) if "✗" in line)
        assert said in lines[place] and app.panel.settings == before and app.edits == []
        assert "✗" not in lines[place - 1] and place == 2


async def test_a_negative_prompt_without_a_scale_says_so_until_it_has_one() -> None:
    app = PanelApp(primary=("negative_prompt", "guidance_scale"))
    async with app.run_test(size=(100, 20)) as pilot:
        assert app.panel.propose("negative_prompt", "the")
        await pilot.pause()
        assert "no effect while guidance_scale is off; set it" in app.line_of("✗")
        assert app.screen_lines()[2] == app.line_of("✗")
        assert app.panel.propose("guidance_scale", 1.5)
        await pilot.pause()
        assert not any("✗" in line for line in app.screen_lines())
        app.panel.propose("guidance_scale", 1.0)
        await pilot.pause()
        assert app.screen_lines()[2] == app.line_of("✗")
