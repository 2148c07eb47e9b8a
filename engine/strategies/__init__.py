"""One file a strategy. Each sees a run (runner, sampler, controls), and yields events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.events import Event
from engine.strategies.assisted import assisted
from engine.strategies.beams import beam, constrained_beam, diverse_beam
from engine.strategies.contrastive import contrastive
from engine.strategies.dola import dola
from engine.strategies.run import Run
from engine.strategies.sample import sample

Strategy = Callable[[Run], Iterator[Event]]
STRATEGIES: dict[str, Strategy] = {
    "greedy": sample,
    "sample": sample,
    "beam": beam,
    "beam-sample": beam,
    "diverse-beam": diverse_beam,
    "constrained-beam": constrained_beam,
    "contrastive": contrastive,
    "dola": dola,
    "assisted": assisted,
}

__all__ = ["STRATEGIES", "Run", "Strategy"]
