"""The runs that made a model's weights, one after another, as its folder keeps them."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.models.embedded.recipe import Recipe, TrainingError

HISTORY = "training.jsonl"
"""One run a line, the first from nothing. Not `.json`, for the reason given in `measures.MEASURES`."""


def versions() -> dict[str, str]:
    """The versions that a run's figures depend on."""
    packages = ("torch", "transformers", "tokenizers", "numpy")
    return {"Python": platform.python_version()} | {name: version(name) for name in packages}


@dataclass(frozen=True, slots=True)
class Training:
    """One run of the script, with all that it takes to make it again."""

    start: str
    """SHA-256 of the weights that it began with; empty if they were drawn from the seed."""
    recipe: Recipe
    texts: Mapping[str, str]
    """SHA-256 of each file of text, by name."""
    shares: Mapping[str, float]
    """Of each file in the training windows."""
    mix: Mapping[str, float]
    """The shares as they were asked for; empty for shares by size."""
    steps_asked: int | None
    minutes_asked: float | None
    compiled: bool
    place: str
    """The device, as people call it."""
    steps: int
    seconds: float
    held_out: Mapping[str, float]
    """Nats a token, by file; a file of which nothing is held out has none."""
    final: bool
    versions: Mapping[str, str] = field(default_factory=versions)

    @property
    def tokens(self) -> int:
        """Tokens predicted."""
        return self.steps * self.recipe.tokens_per_step


History = Sequence[Training]


def steps(history: History) -> int:
    """The steps of all runs together: the next one draws its windows from there on."""
    return sum(each.steps for each in history)


def write_history(folder: Path, history: History) -> None:
    """Write the runs into `folder`. Raises OSError."""
    rows = "".join(json.dumps(asdict(each)) + "\n" for each in history)
    (folder / HISTORY).write_text(rows, encoding="utf-8")


def read_history(folder: Path) -> History:
    """The runs that made the model in `folder`. Raises TrainingError if it keeps none, or they cannot be read."""
    path = folder / HISTORY
    if not path.is_file():
        raise TrainingError(f"{folder} is no model that this script finished: it has no {HISTORY}")
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return tuple(_training(row) for row in rows)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrainingError(f"{path} cannot be read: {type(error).__name__}") from error


def _training(row: dict[str, Any]) -> Training:
    recipe: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in row["recipe"].items()}
    return Training(**row | {"recipe": Recipe(**recipe)})
