"""A KV cache for OpenAI GPT (Radford et al. 2018), which the library runs without one.

Its layers are those of a plain transformer, so only the attention's inner part has to know of the cache, and that is
exchanged for the length of a pass. The model's modules run as ever, with what hooks and adapters they have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from engine.runner.cached import CachedRunner


class OpenAIGPTRunner(CachedRunner):
    """The cached runner, where the library's own forward takes no cache."""

    KINDS = frozenset({"dynamic", "offloaded", "quantized"})  # the mask is cut to keys that are all there

    def _pass(self, ids: torch.Tensor, *, first: bool) -> torch.Tensor:
        positions = torch.arange(self._length, self._length + ids.shape[1], device=ids.device)[None]
        with self._remembering():
            return self._call(input_ids=ids, position_ids=positions, **self._one_position).logits

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        layers = [block.attn for block in self.model.transformer.h]
        for number, layer in enumerate(layers):
            layer._attn = self._attention(layer, number)
        try:
            yield
        finally:
            for layer in layers:
                del layer._attn  # the class's own shows again

    def _attention(self, layer: Any, number: int) -> Any:
        def attend(
            query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, _: Any = None, told: bool = False
        ) -> list[torch.Tensor]:
            """As the library's, over all keys (it hands them over transposed) and values so far."""
            keys, values = self._cache.update(key.transpose(2, 3), value, number)
            scores = query @ keys.transpose(2, 3)
            if layer.scale:
                scores = scores / math.sqrt(value.shape[-1])
            end = keys.shape[2]
            mask = layer.bias[:, :, end - query.shape[2] : end, :end]
            weights = torch.softmax(scores * mask - 1e4 * (1 - mask), dim=-1)
            weights = layer.attn_dropout(weights)
            return [weights @ values, weights] if told else [weights @ values]

        return attend
