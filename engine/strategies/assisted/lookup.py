"""Prompt lookup (Saxena 2023): what followed the same tokens earlier in the text may follow them again."""

from __future__ import annotations

import torch

from engine.settings import Settings
from engine.strategies.assisted.draft import Tokens

_TOKENS = 10


class Lookup:
    """Needs no model. The latest place counts: a text resembles its near past."""

    source = "prompt lookup"

    def __init__(self) -> None:
        self.beliefs: list[torch.Tensor] = []

    def propose(self, text: Tokens, most: int, settings: Settings) -> Tokens:
        count = min(settings.prompt_lookup_num_tokens or _TOKENS, most)
        for size in range(min(settings.max_matching_ngram_size, len(text) - 1), 0, -1):
            tail = text[-size:]
            for start in range(len(text) - size - 1, -1, -1):
                if text[start : start + size] == tail:
                    return text[start + size :][:count]
        return []

    def adapt(self, mix: object) -> None:
        """It needs no model."""

    def judged(self, proposed: int, accepted: int, settings: Settings) -> None:
        """It looks as far ahead as it is told to."""
