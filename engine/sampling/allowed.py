"""A caller's own rule for which tokens may follow a text, as the library takes it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from transformers import LogitsProcessor, PrefixConstrainedLogitsProcessor


class AllowedTokens(LogitsProcessor):  # type: ignore[misc]
    """The library's processor, for however many rows there are at a step: all of them are of one prompt."""

    def __init__(self, rule: Callable[[int, torch.Tensor], list[int]]) -> None:
        self._rule = rule

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary). Raises `ValueError` where the rule leaves no token."""
        return PrefixConstrainedLogitsProcessor(self._rule, input_ids.shape[0])(input_ids, scores)
