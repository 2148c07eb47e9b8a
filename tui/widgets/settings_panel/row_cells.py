"""What stands in a row: its parts from left to right, each with its text. The colours come later."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len

from engine.safe_text import safe_text
from engine.settings import Settings
from engine.settings.parameter import Parameter
from tui.widgets.settings_panel.columns import GUTTER, Columns
from tui.widgets.settings_panel.fit import fit
from tui.widgets.settings_panel.rows import FoldRow, HeadingRow, RefusalRow, Row, SettingRow, fold_label

LIVE, NEXT_RUN = "●", "○"
LEGEND = f"{LIVE} next token  {NEXT_RUN} next run"

PARTS = (
    *("gap", "bar", "mark", "title", "value", "off", "filled", "idle", "track", "live", "next-run", "hint"),
    *("heading", "fold", "key", "refusal", "empty"),
)
Cells = list[tuple[str, str]]
"""(part, text) pairs; the parts are those of `PARTS`."""


def slider(position: float, width: int) -> tuple[str, str]:
    """The filled part and the track, to half a cell: `━━━╸` and `────`."""
    halves = round(position * width * 2)
    filled = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return filled, "─" * (width - len(filled))


def setting_cells(
    parameter: Parameter, value: Any, columns: Columns, *, hint: str = "", highlighted: bool = False
) -> Cells:
    """One parameter's row."""
    off = parameter.can_be_off and value == parameter.off
    # A value without a slider may run on through the slider's column.
    room = columns.value if parameter.span else columns.dot_at - columns.value_at - columns.gap
    shown = safe_text(parameter.format(value))
    valued = fit(shown, columns.value, right=True) if cell_len(shown) <= columns.value else fit(shown, room)
    cells: Cells = [
        ("bar", "▌" if highlighted else " "),
        ("mark", "*" if value != parameter.default else " "),
        ("title", fit(parameter.title, columns.title)),
        ("gap", " "),
        ("off" if off else "value", valued),
    ]
    position = parameter.position(value)
    if position is not None and columns.slider:
        filled, track = slider(0 if off else position, columns.slider)
        cells += [("gap", " " * columns.gap), ("filled", filled), ("track", track)]
    cells.append(("gap", " " * (columns.dot_at - GUTTER - sum(cell_len(text) for _, text in cells[2:]))))
    cells.append(("live", LIVE) if parameter.live else ("next-run", NEXT_RUN))
    if columns.hint:
        cells += [("gap", " " * columns.gap), ("hint", fit(hint, columns.hint))]
    return cells


def other_cells(row: Row, settings: Settings, width: int, *, highlighted: bool = False) -> Cells:
    """A row that is no parameter's: a heading, the fold, a refusal, or that nothing was found."""
    gutter = ("bar", "▌ " if highlighted else "  ")
    match row:
        case HeadingRow(title):
            rule = "─" * (width - GUTTER - cell_len(title) - 2)
            return [gutter, ("heading", f"{title} "), ("track", rule)]
        case FoldRow(unfolded=unfolded):
            arrow = "▾" if unfolded else "▸"
            label = f"{arrow} {fold_label(row, settings.differences(Settings()))}"
            way = [("key", "  /"), ("fold", " search")] if GUTTER + cell_len(label) + 10 <= width else []
            return [gutter, ("fold", label if way else fit(label, width - GUTTER)), *way]
        case RefusalRow(text=text, first=first):
            return [gutter, ("refusal", f"{'✗' if first else ' '} {text}")]
        case SettingRow():
            raise TypeError("a setting's row is drawn by setting_cells")
        case _:
            return [gutter, ("empty", "no setting found")]
