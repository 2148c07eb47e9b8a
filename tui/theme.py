"""The colours: one accent, one for marks of change, the rest calm. No meaning is in a colour alone."""

from __future__ import annotations

from textual.theme import Theme

from tui.config.declaration import DARK, HIGH_CONTRAST, LIGHT

_ALL = (
    Theme(
        name=DARK,
        dark=True,
        primary="#7aa2f7",
        secondary="#565f89",
        accent="#bb9af7",
        foreground="#c8d0f0",
        background="#14151f",
        surface="#1b1d2b",
        panel="#232538",
        success="#9ece6a",
        warning="#e0af68",
        error="#f7768e",
        variables={"border-blurred": "#3b4261", "border": "#7aa2f7"},
    ),
    Theme(
        name=LIGHT,
        dark=False,
        primary="#2b57b0",
        secondary="#5a6380",
        accent="#7a3fb5",
        foreground="#1d2233",
        background="#f7f6f2",
        surface="#ecebe5",
        panel="#e0dfd8",
        success="#2f6b1f",
        warning="#7d5200",
        error="#b3202f",
        variables={"border-blurred": "#a9adba", "border": "#2b57b0"},
    ),
    Theme(
        name=HIGH_CONTRAST,
        dark=True,
        primary="#ffff00",
        secondary="#ffffff",
        accent="#00ffff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        success="#00ff00",
        warning="#ffd700",
        error="#ff8080",
        text_alpha=1.0,
        variables={"border-blurred": "#ffffff", "border": "#ffff00", "text-muted": "#e6e6e6"},
    ),
)
THEMES = {theme.name: theme for theme in _ALL}
