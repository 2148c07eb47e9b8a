"""The colours: one accent, one for marks of change, the rest calm."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="textgen-dark",
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
)
