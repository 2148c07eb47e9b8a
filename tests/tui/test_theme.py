"""The themes: one for each name that the config takes, and readable."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from tui.config.declaration import HIGH_CONTRAST, OPTIONS
from tui.theme import THEMES


def contrast(theme: Theme, name: str, on: str) -> float:
    """WCAG's ratio of a text's colour and what it stands on."""
    colours = theme.to_color_system().generate()
    below = Color.parse(colours[on])
    value = colours[name]
    if value.startswith("auto"):
        over = below.get_contrast_text(1.0)
        above = below.blend(over, float(value.split()[1].rstrip("%")) / 100)
    else:
        above = Color.parse(value)
        above = below.blend(above.with_alpha(1.0), above.a)
    light, dark = sorted((_luminance(above), _luminance(below)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_there_is_a_theme_for_each_name_that_can_be_asked_for() -> None:
    assert tuple(THEMES) == OPTIONS["theme"].choices and OPTIONS["theme"].default in THEMES
    assert [name for name, theme in THEMES.items() if not theme.dark] == ["light"]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("on", ["background", "surface"])
def test_what_is_to_be_read_can_be(name: str, on: str) -> None:
    wanted = 7.0 if name == HIGH_CONTRAST else 4.5
    texts = ("foreground", "primary", "text", "text-muted", "text-accent", "text-warning", "text-error", "success")
    ratios = {text: round(contrast(THEMES[name], text, on), 1) for text in texts}
    assert {text: ratio for text, ratio in ratios.items() if ratio < wanted} == {}
