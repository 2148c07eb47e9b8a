"""One file a strategy. Each sees a run (runner, sampler, controls), and yields events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.events import Event
from engine.strategies.run import Run
from engine.strategies.sample import sample

Strategy = Callable[[Run], Iterator[Event]]
STRATEGIES: dict[str, Strategy] = {"greedy": sample, "sample": sample}

__all__ = ["STRATEGIES", "Run", "Strategy"]
