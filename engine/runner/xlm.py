"""Runners for XLM (Lample & Conneau 2019), which reads its next token at a mask after the text.

The library counts the ids that are not padding to tell how long a text is, so that a padding id inside it would blot
out the mask; here the length is told. Both depend on the language in the model's config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from engine.errors import PromptError
from engine.runner.base import Runner
from engine.runner.cached import CachedRunner
from engine.runner.recompute import RecomputeRunner

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class XLMRunner(RecomputeRunner):
    """For models that see both ways: what stands in the text changes with every token after it."""

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        return Runner.read(self, ids)  # a pass gives logits at its mask alone

    def _pass(self) -> torch.Tensor:
        inputs = _inputs(self.model, self.ids)
        return self._call(**inputs, **self._one_position).logits

    @property
    def states(self) -> torch.Tensor:
        return super().states[:, :-1]  # the mask is no part of the text


class CausalXLMRunner(CachedRunner):
    """For models that look back only: they see the new ids and the mask, and the mask is forgotten at once."""

    KINDS = frozenset({"dynamic"})  # the mask's own keys and values are cut off again
    _language: int | None = None

    def prefill(self, ids: Sequence[int], rows: int = 1) -> tuple[torch.Tensor, int]:
        if self._language != self.model.config.lang_id:
            self.reset()
            self._language = self.model.config.lang_id
        return super().prefill(ids, rows)

    def extend(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        return Runner.extend(self, ids)  # a pass gives logits at its mask alone

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        return Runner.read(self, ids)

    @property
    def states(self) -> torch.Tensor:
        return super().states[:, :-1]

    def _pass(self, ids: torch.Tensor, *, first: bool) -> torch.Tensor:
        text = torch.cat([self.ids, ids], dim=1) if self._length else ids
        inputs = _inputs(self.model, text)
        output = self._call(**inputs, cache=self._cache, **self._one_position)
        self._cut(1)
        return output.logits


def _inputs(model: PreTrainedModel, ids: torch.Tensor) -> dict[str, Any]:
    """What the library makes of (rows, n) ids: the mask after them, the language everywhere; and how long that is."""
    longest = model.config.max_position_embeddings
    rows, length = ids.shape[0], ids.shape[1] + 1
    if length > longest:
        raise PromptError(f"the text fills all {longest} positions, and this model needs one for its mask: shorten it")
    lengths = torch.full((rows,), length, device=ids.device)
    return model.prepare_inputs_for_generation(ids, lengths=lengths)
