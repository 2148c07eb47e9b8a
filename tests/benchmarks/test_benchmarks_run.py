"""The benchmarks run and give ratios. What the ratios are is for people to judge."""

from __future__ import annotations

import math

from tests import models
from tests.benchmarks import text_length
from tests.benchmarks.measure import Bench, interleaved, table


def test_a_benchmark_gives_finite_positive_ratios() -> None:
    bench = Bench(rounds=1)
    bench.model = models.tiny_gpt2()  # in place of the one that it would load
    rows = text_length.run(bench)
    assert len(rows) == 5
    for row in rows:
        assert all(math.isfinite(ratio) and ratio > 0 for ratio in (row.ratio, *row.spread))
    assert len(table(rows).splitlines()) == 2 + len(rows)


def test_a_ratio_is_that_of_the_medians_and_the_first_round_does_not_count() -> None:
    slow, fast = iter([90.0, 4.0, 6.0, 8.0]), iter([90.0, 2.0, 2.0, 4.0])
    told = interleaved(3, {"slow": lambda: next(slow), "fast": lambda: next(fast)})
    row = told.row("subject", "slow", "fast", "s", "lower")
    assert (row.value, row.base, row.ratio, row.spread) == (6.0, 2.0, 3.0, (2.0, 3.0))
