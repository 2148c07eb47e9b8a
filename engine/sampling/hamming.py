"""The Hamming diversity penalty of diverse beam search (Vijayakumar et al. 2018), which transformers has dropped."""

from __future__ import annotations

import torch
from transformers import LogitsProcessor


class HammingDiversityLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Takes `penalty` off a token's score for each time that an earlier group took it at this step.

    `spoken` is shared with whoever runs the groups, who fills it as they take their turns.
    """

    def __init__(self, penalty: float, spoken: list[int]) -> None:
        self._penalty = penalty
        self._spoken = spoken

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) of one group's beams."""
        if not self._spoken:
            return scores
        times = torch.bincount(torch.tensor(self._spoken, device=scores.device), minlength=scores.shape[-1])
        return scores - self._penalty * times
