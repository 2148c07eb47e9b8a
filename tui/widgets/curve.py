"""Losses as they fall: a curve of dots for what is learned from, marks for what was held out, a line for the base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

from textual.content import Content
from textual.widget import Widget

Points = Sequence[tuple[int, float]]
HELD_OUT, BASE = "●", "┄"
_STYLES = {HELD_OUT: "bold $accent", BASE: "dim"}
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a braille sign, by column and row of its dots."""
_LABEL = 6


class Curve(Widget):
    """Draws what it was told last, in whatever room there is."""

    DEFAULT_CSS = """
    Curve { height: 1fr; min-height: 3; border: round $border-blurred;
        border-title-color: $text-muted; border-subtitle-color: $text-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._losses: Points = ()
        self._held_out: Points = ()
        self._steps = 1
        self._base = math.nan

    def show(self, losses: Points, held_out: Points, steps: int, base: float) -> None:
        """Draw these (step, loss); `base` is the held-out loss before any training."""
        self._losses, self._held_out, self._steps, self._base = losses, held_out, max(steps, 1), base
        self.refresh()

    def render(self) -> Content:
        """The lines, labels on the left."""
        lines = plotted(self._losses, self._held_out, self._steps, self._base, self.size.width, self.size.height)
        return Content("\n").join(_coloured(line) for line in lines)


def plotted(losses: Points, held_out: Points, steps: int, base: float, width: int, height: int) -> list[str]:
    """The curve as `height` lines of at most `width` cells, the highest loss on top, step 0 on the left.

    Several steps that fall on one column of dots are their mean.
    """
    columns = width - _LABEL - 1
    seen = [loss for _, loss in (*losses, *held_out, (0, base)) if math.isfinite(loss)]
    if columns < 2 or height < 1 or not seen:
        return [""] * max(height, 1)
    low, high = min(seen), max(seen)
    if high - low < 1e-3:
        low, high = low - 0.5, high + 0.5

    def row(loss: float, rows: int) -> int:
        return min(max(round((high - loss) / (high - low) * (rows - 1)), 0), rows - 1)

    signs = [[" "] * columns for _ in range(height)]
    if math.isfinite(base):
        signs[row(base, height)] = [BASE] * columns
    bits: dict[tuple[int, int], int] = {}
    for column, loss in _joined(_means(losses, steps, 2 * columns)).items():
        dot = row(loss, 4 * height)
        place = (dot // 4, column // 2)
        bits[place] = bits.get(place, 0) | _DOTS[column % 2][dot % 4]
    for (line, column), dots in bits.items():
        signs[line][column] = chr(0x2800 + dots)
    for column, loss in _means(held_out, steps, columns).items():
        signs[row(loss, height)][column] = HELD_OUT
    labels = {0: f"{high:.2f}", height - 1: f"{low:.2f}"} if height > 1 else {0: f"{low:.2f}"}
    return [f"{labels.get(number, ''):>{_LABEL}} {''.join(line)}" for number, line in enumerate(signs)]


def _means(points: Points, steps: int, columns: int) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for step, loss in points:
        if math.isfinite(loss):
            found.setdefault(min(step * (columns - 1) // steps, columns - 1), []).append(loss)
    return {column: sum(losses) / len(losses) for column, losses in found.items()}


def _joined(means: dict[int, float]) -> dict[int, float]:
    """With what lies on straight lines between neighbours."""
    found = dict(means)
    for (first, one), (second, other) in pairwise(sorted(means.items())):
        for column in range(first + 1, second):
            found[column] = one + (other - one) * (column - first) / (second - first)
    return found


def _coloured(line: str) -> Content:
    label, curve = line[: _LABEL + 1], line[_LABEL + 1 :]
    runs = groupby(curve, lambda sign: _STYLES.get(sign, "$primary"))
    return Content.assemble((label, "dim"), *(("".join(signs), style) for style, signs in runs))
