"""How the output looks: its styles by kind of text, by class where it is coloured, and its hint while it is empty."""

from __future__ import annotations

from typing import get_args

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.colouring import LEVELS
from tui.widgets.output.painting import Painter
from tui.widgets.output.wrapping import Kind, Piece, line_clusters, wrap

KINDS: tuple[Kind, ...] = get_args(Kind)
SHADES = {f"shade--{level}" for level in range(LEVELS)}
SHADE_CSS = """
    & > .shade--0 { text-style: none; }
    & > .shade--1 { background: $warning 9%; text-style: italic; }
    & > .shade--2 { background: $warning 19%; text-style: bold; }
    & > .shade--3 { background: $warning 30%; text-style: bold italic; }
"""
"""Each class is told by its hand as well, which is none that underlines or reverses: that is what else is marked by."""
COMPONENTS = {*(f"output--{kind}" for kind in (*KINDS, "cursor", "placeholder", "hidden")), *SHADES}
CSS = f"""
OutputView {{
    overflow-x: hidden;
    overflow-y: auto;
    scrollbar-gutter: stable;
    scrollbar-size-vertical: 1;
    color: $text;
    & > .output--prompt {{ color: $text-muted; text-style: italic; }}
    & > .output--model {{ color: $text; }}
    & > .output--special {{ color: $text-secondary; }}
    & > .output--human {{ color: $text-success; text-style: underline; }}
    & > .output--mark {{ color: $text-accent; }}
    & > .output--tail {{ color: $text-muted; text-style: italic dim; }}
    & > .output--cursor {{ color: $primary; }}
    & > .output--placeholder {{ color: $text-muted; }}
    & > .output--hidden {{ color: $text-disabled; }}
{SHADE_CSS}
}}
"""


def painter(view: Widget) -> Painter:
    """A painter in the styles that the view has now."""

    def style(name: str) -> Style:
        return view.get_component_rich_style(name)

    return Painter(
        view.rich_style,
        {kind: style(f"output--{kind}") for kind in KINDS},
        style("output--cursor"),
        # Only the background: with no colour of its own, the style would draw text in that background.
        Style(bgcolor=view.screen.get_component_rich_style("screen--selection").bgcolor),
        [_hand(style(f"shade--{level}")) for level in range(LEVELS)],
    )


def _hand(style: Style) -> Style:
    """A class leaves text the colour of its kind, and its underline."""
    return Style(bgcolor=style.bgcolor, bold=style.bold or None, italic=style.italic or None)


def placeholder_row(view: Widget, text: str, y: int) -> Strip:
    """Row `y` of the hint that stands, centred, where there is nothing else."""
    width, height = view.size
    lines = wrap([Piece("model", text)], max(2, width - 4))
    row = y - max(0, (height - len(lines)) // 2)
    base = view.rich_style
    if not 0 <= row < len(lines):
        return Strip.blank(width, base)
    shown = "".join(cluster.shown for _, cluster in line_clusters(lines[row])).strip()
    style = view.get_component_rich_style("output--placeholder")
    return Strip([Segment(shown, style)]).text_align(width, "center").apply_style(base)
