"""Every hyper-parameter of a training run, declared once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from engine.errors import EngineError

END_OF_TEXT = "<|endoftext|>"
"""The one special token (id 0): stands before each document, and ends generation."""


class TrainingError(EngineError):
    """A run cannot start or go on, for a reason told to the user in one line."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is trained, and how.

    The architecture is GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask
    Learners"). Hidden matrices are trained by Muon (Jordan et al. 2024, "Muon: An optimizer for
    hidden layers in neural networks"), everything else by AdamW (Loshchilov and Hutter 2019).
    """

    # The model.
    vocabulary: int = 4096
    context: int = 512
    width: int = 256
    layers: int = 6
    heads: int = 8

    # The data.
    piece_tokens: int = 256
    """Long documents are cut, at the next paragraph end, into pieces of about this many tokens."""
    held_out_every: int = 100
    """One document in so many is kept from training."""
    tokenizer_characters: int = 12_000_000
    """At most so many characters of each file are shown to the tokenizer's trainer."""

    # The optimisers.
    batch: int = 8
    """Windows of `context` tokens in a step."""
    muon_rate: float = 2e-3
    muon_momentum: float = 0.95
    muon_decay: float = 0.05
    adam_rate: float = 2e-3
    adam_betas: tuple[float, float] = (0.9, 0.95)
    embedding_decay: float = 0.05
    clip: float = 1.0
    bfloat16: bool = True
    loop_windows: int = 0
    """Windows of a phrase over and over in a step, besides the batch, to learn not to go in circles."""
    loop_decay: float = 0.5
    """To what share of its last probability such a phrase shall fall each time."""

    # The schedule.
    warmup_steps: int = 60
    cosine_share: float = 0.6
    """The rate falls along a cosine over this last share of the run ..."""
    final_rate: float = 0.02
    """... down to this share of the peak."""

    seed: int = 1

    def __post_init__(self) -> None:
        counts = (self.context, self.width, self.layers, self.heads, self.held_out_every, self.batch)
        if min(counts) < 1 or min(self.warmup_steps, self.seed, self.loop_windows) < 0:
            raise TrainingError("sizes and counts of the recipe must be positive")
        if self.width % self.heads:
            raise TrainingError(f"width {self.width} cannot be split into {self.heads} heads")
        if not 257 <= self.vocabulary <= 65536:
            raise TrainingError("the vocabulary must have from 257 to 65536 tokens")
        if not (0 < self.cosine_share <= 1 and 0 <= self.final_rate <= 1 and 0 <= self.loop_decay <= 1):
            raise TrainingError("cosine_share, final_rate and loop_decay are shares: from 0 to 1")
        if self.loop_windows and self.context < 9:
            raise TrainingError("a window to learn from loops must have room for a phrase of 3 tokens three times")

    def changed(self, settings: Mapping[str, str]) -> Recipe:
        """A copy with some fields set from text, such as `{"width": "320"}`.

        Raises TrainingError for a name that is no single-valued field, or a value of another kind.
        """
        values: dict[str, object] = {}
        for name, text in settings.items():
            old = getattr(self, name, None) if name in {f.name for f in fields(self)} else None
            if not isinstance(old, int | float):
                raise TrainingError(f"the recipe has no setting {name!r}")
            try:
                truths = {"true": True, "false": False}
                values[name] = truths[text] if isinstance(old, bool) else type(old)(text)
            except (KeyError, ValueError):
                raise TrainingError(f"{text!r} is no value for {name}, which is now {old}") from None
        return replace(self, **values)  # type: ignore[arg-type]

    def settings(self, default: Recipe | None = None) -> dict[str, str]:
        """The fields that differ from `default`, or from the defaults, as `changed` reads them."""
        default = default or Recipe()
        pairs = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: str(v).lower() for name, v in pairs.items() if v != getattr(default, name)}

    @property
    def tokens_per_step(self) -> int:
        """Tokens predicted in one step."""
        return self.batch * self.context

    def rate(self, step: int, progress: float) -> float:
        """The share of the peak learning rate to use at `step` (from 0), `progress` of the run done.

        `progress` runs from 0 to 1 and may come from counted steps or from the clock.
        """
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        start = 1.0 - self.cosine_share
        if progress <= start:
            return warm
        turn = min(1.0, (progress - start) / self.cosine_share)
        fall = 0.5 * (1.0 + math.cos(math.pi * turn))
        return warm * (self.final_rate + (1.0 - self.final_rate) * fall)
