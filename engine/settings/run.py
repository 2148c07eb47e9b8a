"""How a run decodes."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.names import STRATEGIES
from engine.settings.shapes import options

SEEDS = 2**32


def sequence_seed(seed: int, sequence: int) -> int:
    """What a sequence of a run with this seed draws from: after the highest seed the lowest follows."""
    return (seed + sequence) % SEEDS


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The strategy, where its random numbers start, how many sequences."""

    strategy: str = declare(
        "sample",
        kind="choice",
        choices=STRATEGIES,
        upstream="greedy",
        live=True,
        help="How a text is decoded: the likeliest token each time (greedy), one drawn by probability (sample), "
        "several continuations at once of which the best are kept (the beams), or one of the others.",
    )
    seed: int = declare(
        42,
        kind="int",
        upstream=42,
        low=0,
        high=SEEDS - 1,
        live=False,
        help="Where the random numbers start: the same seed gives the same text. Sequence i draws from seed + i.",
    )
    num_return_sequences: int = declare(
        1,
        kind="int",
        upstream=1,
        low=1,
        high=64,
        span=(1, 8),
        live=False,
        label="sequences",
        help="How many continuations are written side by side.",
    )
    generation_kwargs: tuple[tuple[str, object], ...] | None = declare(
        None,
        kind="json",
        shape=options,
        takes='an object such as {"top_k": 5}',
        can_be_off=True,
        live=True,
        label="further settings",
        help="More settings by their names, as the library's generate() takes them: each is set as if named by itself.",
    )
