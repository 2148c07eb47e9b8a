"""The runner for models without a usable cache: every token sees the whole text again.

A step's cost grows with the text, but every forward goes through the model's own preparation of inputs, so models
that need a dummy or mask token get it (XLNet, XLM).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from engine.runner.base import Runner, last_logits, slices

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class RecomputeRunner(Runner):
    """Remembers ids alone."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model)
        self._one_position = {"logits_to_keep": 1} if model._supports_logits_to_keep() else {}

    def prefill(self, ids: Sequence[int], rows: int = 1) -> tuple[torch.Tensor, int]:
        self._hold(torch.tensor([list(ids)] * rows, device=self.model.device))
        return self._forward(), 0

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        self._append(ids.to(self.model.device)[:, None])
        return self._forward()

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        for part in slices(ids.to(self.model.device), self._vocabulary):
            self._append(part[None])
            one = self._one_position
            self._one_position = {"logits_to_keep": len(part)} if one else {}
            try:
                with torch.inference_mode():
                    logits = self._pass()
            finally:
                self._one_position = one
            yield logits[0, -len(part) :].float()

    def see(self, ids: torch.Tensor) -> torch.Tensor:
        self._hold(ids)
        return self._forward()

    def rewind(self, length: int) -> None:
        self._length = min(self._length, length)

    def fork(self, rows: Sequence[int]) -> None:
        self._buffer = self._buffer[torch.tensor(rows, device=self._buffer.device)]

    @torch.inference_mode()
    def _forward(self) -> torch.Tensor:
        return last_logits(self._pass())

    def _pass(self) -> torch.Tensor:
        """The model's logits for all ids."""
        inputs = self.model.prepare_inputs_for_generation(
            self.ids, use_cache=False, is_first_iteration=True, **self._one_position
        )
        return self._call(**inputs).logits
