"""A model with another tokenizer drafts: the text becomes its tokens, and its draft those of the model.

Timor et al. 2025 ("Accelerating LLM Inference with Lossless Speculative Decoding Algorithms for Heterogeneous
Vocabularies") call it string-level exact match.
"""

from __future__ import annotations

from typing import Any

from engine.models.loaded import LoadedModel
from engine.settings import Settings
from engine.strategies.assisted.by_model import ByModel
from engine.strategies.assisted.draft import Tokens


class Translated(ByModel):
    """Its own tokens of the text are kept, but for the last ones, which more text may make others."""

    def __init__(self, model: LoadedModel, target: LoadedModel, source: str) -> None:
        super().__init__(model, model.runner, source, model.vocabulary_size)
        self._target = target
        self._known: Tokens = []

    def propose(self, text: Tokens, most: int, settings: Settings) -> Tokens:
        whole = _text(self._target.tokenizer, text)
        self._known = self._own(whole, settings.assistant_lookbehind)
        if not self._known:
            return []
        drafted = super().propose(self._known, most, settings)
        self.beliefs = []  # they are about other tokens
        # The new text is what the draft adds to the old: a token alone may say less than in its place.
        before = _text(self.model.tokenizer, self._known)
        after = _text(self.model.tokenizer, [*self._known, *drafted])
        added = after[len(before) :] if after.startswith(before) else ""
        limit = self._target.vocabulary_size
        found = self._targets(text, added, settings.target_lookbehind)[:most]
        return found if all(token < limit for token in found) else []

    def _own(self, whole: str, lookbehind: int) -> Tokens:
        """The text in its own tokens."""
        kept = self._known[: max(0, len(self._known) - lookbehind)]
        start = _text(self.model.tokenizer, kept)
        if not kept or not whole.startswith(start):
            kept, start = [], ""
        return [*kept, *_ids(self.model.tokenizer, whole[len(start) :])]

    def _targets(self, text: Tokens, added: str, lookbehind: int) -> Tokens:
        """What was added in the model's tokens, cut at its end as it would be after the last tokens of the text."""
        if not added:
            return []
        tokenizer = self._target.tokenizer
        tail = text[max(0, len(text) - lookbehind) :]
        joined = _ids(tokenizer, _text(tokenizer, tail) + added)
        return joined[len(tail) :] if joined[: len(tail)] == tail else _ids(tokenizer, added)


def _text(tokenizer: Any, ids: Tokens) -> str:
    return str(tokenizer.decode(ids, clean_up_tokenization_spaces=False))


def _ids(tokenizer: Any, text: str) -> Tokens:
    return list(tokenizer.encode(text, add_special_tokens=False))
