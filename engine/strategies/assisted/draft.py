"""What assisted decoding asks of a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.adapters import Mix

Tokens = list[int]


class Draft(Protocol):
    """Guesses at how a text goes on; a wrong guess costs time and nothing else."""

    source: str
    """What drafts, in words."""
    beliefs: list[torch.Tensor]
    """The probabilities (vocabulary,) that it gave where it proposed each token last; none where it knows none."""

    def adapt(self, mix: Mix | None) -> None:
        """These adapters are in force."""
        ...

    def propose(self, text: Tokens, most: int, settings: Settings) -> Tokens:
        """At most `most` tokens that may follow `text`, prompt included; none where it knows none."""
        ...

    def judged(self, proposed: int, accepted: int, settings: Settings) -> None:
        """So many of what was proposed came."""
        ...
