"""What is asked of a fine-tuning run. An option is declared once: flags, help and the screen's form are made of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from engine.settings.parameter import Parameter


def _option(name: str, kind: Any, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, None, help, "fine-tuning", live=False, can_be_auto=True, **more)


OPTIONS: dict[str, Parameter] = {
    option.name: option
    for option in (
        _option(
            "epochs",
            "float",
            "How often the whole text is gone through; auto is 3, or as much of that as takes a CPU an hour or so. "
            "A short text is soon known by heart: the best step on the held-out part is what is kept.",
            low=0,
            low_open=True,
            high=10_000,
        ),
        _option(
            "steps", "int", "How many steps, in place of epochs; auto counts them from the epochs.", low=1, high=10**7
        ),
        _option(
            "learning_rate",
            "float",
            "How far a step goes, at its highest: it rises over the first twentieth of the steps and falls to nothing. "
            "auto is 5e-5 for a model of GPT-2's size, more for smaller ones (by the root of the size, at most 1e-3) "
            "and less for larger (at least 2e-5); for a LoRA four times that, at least 1e-4.",
            low=0,
            low_open=True,
            high=10,
            label="learning rate",
        ),
        _option(
            "block_size",
            "int",
            "Tokens that are read in one go; auto is 512 or the model's positions, and less for a short text, so that "
            "it gives sixteen blocks.",
            low=4,
            high=1_000_000,
            label="block size",
        ),
        _option(
            "batch_size",
            "int",
            "Blocks that a step learns from; auto is 8, and less where that would leave an epoch fewer than eight "
            "steps.",
            low=1,
            high=100_000,
            label="batch size",
        ),
        _option(
            "at_once",
            "int",
            "Blocks of a batch that go through the model together; auto is as many as there is memory for. The others "
            "follow, and the step is the same but for roundings.",
            low=1,
            high=100_000,
            label="at once",
        ),
        _option("rank", "int", "The rank of a LoRA: how much it can learn; auto is 8.", low=1, high=4096),
        _option(
            "seed",
            "int",
            "What the order of the blocks, dropout and samples are drawn from; auto is 42.",
            low=0,
            high=2**32 - 1,
        ),
    )
}
"""Option -> its declaration; auto (None) leaves the choice to `engine.finetune.plan`."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is learned from, by which model, and where the result goes. None leaves the choice to the program."""

    text: Path
    model: str | None = None
    family: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    out: Path | None = None
    lora: bool = False
    rank: int | None = None
    epochs: float | None = None
    steps: int | None = None
    learning_rate: float | None = None
    block_size: int | None = None
    batch_size: int | None = None
    at_once: int | None = None
    seed: int | None = None
    start: str = ""
    """Text that stands before every block, such as a control code of CTRL."""
    prompts: tuple[str, ...] = ()
    """Openings for samples and the comparison; without any, the held-out text gives them."""

    def plain(self) -> dict[str, Any]:
        """The job as JSON takes it."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Job:
        """The job that `plain()` gave. Raises `TypeError`, `KeyError` for what is none."""
        known = {name: plain[name] for name in (field.name for field in fields(Job)) if name in plain}
        known["text"] = Path(known["text"])
        known["out"] = None if known.get("out") is None else Path(known["out"])
        known["prompts"] = tuple(map(str, known.get("prompts", ())))
        return Job(**known)


class Hand:
    """A hand on a run, from any thread: stop it and keep the best so far, or leave it to be gone on with."""

    def __init__(self) -> None:
        self._stopped, self._left = threading.Event(), threading.Event()

    def stop(self) -> None:
        """End after the step under way, and make the result of the best step so far."""
        self._stopped.set()

    def leave(self) -> None:
        """End after the step under way, and write a checkpoint to go on from."""
        self._left.set()

    @property
    def stopped(self) -> bool:
        """Whether the best so far is wanted now."""
        return self._stopped.is_set() and not self.left

    @property
    def left(self) -> bool:
        """Whether it is to be left as it is."""
        return self._left.is_set()

    @property
    def over(self) -> bool:
        """Whether it is to end at all."""
        return self.stopped or self.left
