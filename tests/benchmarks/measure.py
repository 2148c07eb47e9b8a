"""Interleaved repetitions, medians, ratios, and the table of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

# The size that the session is designed at.
SCREEN = (120, 36)


@dataclass
class Bench:
    """What every benchmark is given. The model is loaded when one first asks for it, and shared by all."""

    name: str | None = None
    device: str = "auto"
    rounds: int = 5
    tokens: int = 200
    presses: int = 40

    @cached_property
    def model(self) -> LoadedModel:
        from engine.models.load import load

        return load(self.name, device=self.device)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured against another; `spread` is the least and the greatest ratio of a single round."""

    subject: str
    what: str
    value: float
    against: str
    base: float
    unit: str
    better: Literal["higher", "lower"]
    spread: tuple[float, float]

    @property
    def ratio(self) -> float:
        return self.value / self.base

    def to_dict(self) -> dict[str, Any]:
        names = ("subject", "what", "value", "against", "base", "unit", "better")
        return {name: getattr(self, name) for name in names} | {"ratio": self.ratio, "spread": list(self.spread)}


@dataclass
class Rounds:
    """Values by name, one list entry a round."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def row(
        self, subject: str, what: str, against: str, unit: str, better: Literal["higher", "lower"], scale: float = 1.0
    ) -> Row:
        """`what` against `against`, medians over the rounds; `scale` turns what was measured into `unit`."""
        ours, theirs = self.values[what], self.values[against]
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        value, base = median(ours) * scale, median(theirs) * scale
        return Row(subject, what, value, against, base, unit, better, (min(ratios), max(ratios)))


def interleaved(rounds: int, measures: Mapping[str, Callable[[], float]]) -> Rounds:
    """Measure everything once a round, each round beginning with another, so that a drift of load hits all alike.

    A round before the first warms up and does not count.
    """
    names = list(measures)
    told = Rounds({name: [] for name in names})
    for measure in measures.values():
        measure()
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            told.values[name].append(measures[name]())
    return told


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies (the nearest rank)."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def threads(count: int) -> None:
    """Give torch as many threads in everything that is compared; to be called before torch is imported."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    # As the program does: threads of OpenMP that spin while they wait would starve the screen.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def table(rows: Sequence[Row]) -> str:
    """The rows, grouped by subject, in aligned columns."""
    head = ("", "measured", "against", "measured", "ratio", "single rounds", "better")
    cells = [
        (
            f"  {row.what}",
            _figure(row.value, row.unit),
            row.against,
            _figure(row.base, row.unit),
            f"{row.ratio:.2f}",
            f"{row.spread[0]:.2f} to {row.spread[1]:.2f}",
            row.better,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *cells)) for column in range(len(head))]
    right = {1, 3, 4, 5}

    def aligned(line: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    lines = [aligned(head)]
    for subject, group in groupby(zip(rows, cells, strict=True), key=lambda pair: pair[0].subject):
        lines += [subject, *(aligned(line) for _, line in group)]
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"
