"""The columns of a row, in cells.

From left to right: a gutter (highlight bar, `*` for what is not at its default), title, value, slider, a dot
that says when it acts, key hint. Where the width does not hold all, the slider goes first, then the hint.
"""

from __future__ import annotations

from dataclasses import dataclass

GUTTER = 2
TITLE_MOST, TITLE_LEAST = 20, 4
VALUE = 7
SLIDER_LEAST, SLIDER_MOST = 8, 28


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of the columns; a slider or hint of 0 cells is left out."""

    title: int
    value: int
    slider: int
    hint: int
    gap: int = 2
    """Before slider, dot and hint."""

    @classmethod
    def fitted(cls, width: int, titles: int, hints: int) -> Columns:
        """The columns for `width` cells, when the longest title and hint take `titles` and `hints`."""
        title = min(titles, TITLE_MOST)
        # Closing the gaps up is better than losing the hints; cutting titles comes last.
        for hint, gap in ((hints, 2), (hints, 1), (0, 2), (0, 1)):
            spare = width - (GUTTER + title + 1 + VALUE + gap + 1) - (gap + hint if hint else 0)
            if spare >= 0:
                break
        title = max(title + min(spare, 0), TITLE_LEAST)
        slider = min(spare - gap, SLIDER_MOST) if spare - gap >= SLIDER_LEAST else 0
        return cls(title, VALUE, slider, hint, gap)

    @property
    def value_at(self) -> int:
        """The cell at which the value's column begins."""
        return GUTTER + self.title + 1

    @property
    def slider_at(self) -> int:
        """The cell at which the slider begins."""
        return self.value_at + self.value + self.gap

    @property
    def dot_at(self) -> int:
        """The cell that says when a setting acts."""
        return self.slider_at + (self.slider + self.gap if self.slider else 0)

    def on_slider(self, x: int) -> bool:
        """Whether cell `x` of a row is one of the slider's."""
        return 0 <= x - self.slider_at < self.slider

    def fraction(self, x: int) -> float:
        """How far along the slider cell `x` is; less than 0 or more than 1 beside it."""
        return (x - self.slider_at) / max(self.slider - 1, 1)
