"""Which lines the panel has, from the declarations alone: primary ones, fold, groups, search, refusal.

Nothing here knows a terminal; the drawing takes these rows as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from engine.settings.parameter import Parameter
from tui.widgets.settings_panel.fit import wrapped

REFUSAL_LINES = 4


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One parameter."""

    parameter: Parameter


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """The name of a group, above its parameters."""

    title: str


@dataclass(frozen=True, slots=True)
class FoldRow:
    """The line that holds the settings beyond the primary ones, and opens them."""

    folded: tuple[Parameter, ...]
    unfolded: bool


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One line of a refusal, under the row it belongs to."""

    name: str
    text: str
    first: bool


@dataclass(frozen=True, slots=True)
class EmptyRow:
    """Says that a search found nothing."""


Row = SettingRow | HeadingRow | FoldRow | RefusalRow | EmptyRow


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that was refused, or does nothing as things stand: for which setting, and why in one line."""

    name: str
    text: str


def arranged(
    parameters: Iterable[Parameter], primary: Sequence[str], *, unfolded: bool = False, query: str = ""
) -> list[Row]:
    """The rows from top to bottom.

    The primary settings come first, in their own order; the rest by group, behind the fold. Without a primary
    set there is nothing to fold. A query replaces all this by what it finds.
    """
    declared = {parameter.name: parameter for parameter in parameters}
    if query.strip():
        return list(map(SettingRow, found(declared.values(), query))) or [EmptyRow()]
    rows: list[Row] = [SettingRow(declared[name]) for name in primary]
    rest = [parameter for name, parameter in declared.items() if name not in primary]
    if not rest:
        return rows
    if primary:
        rows.append(FoldRow(tuple(rest), unfolded))
        if not unfolded:
            return rows
    # A group may be declared in several places; it is still one group here, standing where it came first.
    order = list(dict.fromkeys(parameter.group for parameter in rest))
    rest.sort(key=lambda parameter: order.index(parameter.group))
    for group, members in groupby(rest, key=lambda parameter: parameter.group):
        rows += [HeadingRow(group), *map(SettingRow, members)]
    return rows


def found(parameters: Iterable[Parameter], query: str) -> list[Parameter]:
    """What holds every word of the query; a title that does stands before a help that does."""
    words = query.lower().replace("_", " ").split()

    def called(parameter: Parameter) -> str:
        return f"{parameter.title} {parameter.name}".lower().replace("_", " ")

    def holding(text_of: Callable[[Parameter], str]) -> list[Parameter]:
        return [parameter for parameter in known if all(word in text_of(parameter) for word in words)]

    known = list(parameters)
    named = holding(called)
    told = holding(lambda parameter: f"{called(parameter)} {parameter.help.lower()}")
    return named + [parameter for parameter in told if parameter not in named]


def with_refusals(rows: Sequence[Row], refusals: Iterable[Refusal], width: int) -> list[Row]:
    """The rows with each refusal under the row that it is about, wrapped to `width` cells."""
    told = {
        refusal.name: [
            RefusalRow(refusal.name, line, first=place == 0)
            for place, line in enumerate(wrapped(refusal.text, width, REFUSAL_LINES))
        ]
        for refusal in refusals
    }
    lines: list[Row] = []
    for row in rows:
        lines.append(row)
        if isinstance(row, SettingRow):
            lines += told.get(row.parameter.name, ())
    return lines


def selectable(row: Row) -> bool:
    """Whether the highlight can stand on this row."""
    return isinstance(row, SettingRow | FoldRow)


def row_name(row: Row) -> str | None:
    """The parameter's name, for a row that is one."""
    return row.parameter.name if isinstance(row, SettingRow) else None


def fold_label(row: FoldRow, changed: Collection[str]) -> str:
    """`more: 14 settings, 2 moved`, so that nothing that acts stays out of sight."""
    count = len(row.folded)
    moved = sum(parameter.name in changed for parameter in row.folded)
    label = f"more: {count} setting{'' if count == 1 else 's'}"
    return f"{label}, {moved} moved" if moved else label


def value_at(parameter: Parameter, fraction: float) -> Any:
    """The value at `fraction` of the slider's span, on the nearest rung or step; None without a span."""
    if parameter.span is None:
        return None
    low, high = parameter.span
    wanted = low + min(max(fraction, 0.0), 1.0) * (high - low)
    if parameter.ladder:
        rungs = [rung for rung in parameter.ladder if low <= rung <= high]
        wanted = min(rungs, key=lambda rung: abs(rung - wanted))
    return parameter.stepped(wanted, 0)
