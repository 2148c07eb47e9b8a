"""Tokens that must stand at given places, which transformers has dropped."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from transformers import LogitsProcessor


class ForceTokensLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Leaves one token to choose where `places` names the place that comes next, counted from 0 with the prompt."""

    def __init__(self, places: Mapping[int, int]) -> None:
        self._places = places

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) for the token after `input_ids` (rows, length)."""
        token = self._places.get(input_ids.shape[-1])
        if token is None or token >= scores.shape[-1]:
            return scores
        forced = torch.full_like(scores, -float("inf"))
        forced[:, token] = 0
        return forced
