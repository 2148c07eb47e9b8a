"""The loss curve as text: what lies where, and nothing outside its room."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.curve import BASE, HELD_OUT, plotted

LOSSES = st.lists(st.tuples(st.integers(0, 50), st.floats(0, 20) | st.just(math.nan)), max_size=20)


@given(LOSSES, LOSSES, st.integers(1, 60), st.floats(0, 20) | st.just(math.nan), st.integers(0, 90), st.integers(0, 20))
def test_it_stays_in_its_room(
    losses: list[tuple[int, float]],
    held_out: list[tuple[int, float]],
    steps: int,
    base: float,
    width: int,
    height: int,
) -> None:
    lines = plotted(losses, held_out, steps, base, width, height)
    assert len(lines) == max(height, 1) and all(len(line) <= max(width, 0) for line in lines)


def test_a_falling_loss_falls_from_left_to_right() -> None:
    lines = plotted([(step, 5 - step / 10) for step in range(1, 21)], [(10, 4.0), (20, 3.0)], 20, 5.0, 47, 9)
    assert lines[0].startswith("  5.00 ") and lines[-1].startswith("  3.00 ")
    assert set(lines[0][7:]) >= {BASE} and HELD_OUT in lines[-1] and lines[-1].rstrip().endswith(HELD_OUT)
    tops = [
        next(n for n, line in enumerate(lines) if line[7 + column] not in (" ", BASE) or n == 8)
        for column in range(2, 39)
    ]
    assert tops == sorted(tops) and tops[0] <= 1 and tops[-1] == 8


def test_one_line_and_equal_losses_are_no_trouble() -> None:
    assert plotted([(1, 2.0)], [], 4, math.nan, 30, 1)[0].startswith("  1.50")
    assert plotted([], [], 4, math.nan, 30, 3) == ["", "", ""]
    assert pytest.approx(2.0) == float(plotted([(1, 2.0), (2, 9.0)], [], 4, math.nan, 30, 4)[-1][:7])
