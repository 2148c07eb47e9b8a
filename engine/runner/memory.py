"""The runner for models with a recurrent memory (Dai et al. 2019): a step sees one token and the memory.

The memory of `mem_len` hidden states a layer is as large after ten tokens as after ten thousand, and so is the cost
of a step. It cannot be cut back: going back means to compute what lies before again, when it is next needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from engine.events import CacheShape
from engine.runner.base import Runner, last_logits, slices

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SEGMENT = 512  # ids that go through the model at once, at least, where the text may be cut into segments


class _Prompt(NamedTuple):
    """The last prefill: its ids, the logits (1, vocabulary) after them, and the memory of them."""

    ids: list[int]
    logits: torch.Tensor
    memory: list[torch.Tensor]


class MemoryRunner(Runner):
    """Keeps the model's `mems`, tensors (length, rows, width), as they are after the last id.

    Under `same_length` every token sees as far back whatever was fed together, so a text may be cut anywhere; else
    the first pass sees further than a step does, and a way back repeats the passes as they were.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model)
        self._memory: list[torch.Tensor] | None = None  # of all ids; None where ids are held but not seen
        self._prompt: _Prompt | None = None
        self._first = 0  # how many ids the first pass saw
        self._cuttable = bool(getattr(model.config, "same_length", False))
        self._one_position = {"logits_to_keep": 1} if model._supports_logits_to_keep() else {}

    @property
    def by_passes(self) -> bool:  # type: ignore[override]
        return not self._cuttable

    def prefill(self, ids: Sequence[int], rows: int = 1) -> tuple[torch.Tensor, int]:
        ids = list(ids)
        if self._prompt is not None and self._prompt.ids == ids:
            reused = len(ids)
            self._memory = self._prompt.memory
        else:
            reused, self._memory = self._beginning(ids)
            self._hold(torch.tensor([ids[:reused]], dtype=torch.long, device=self.model.device))
            logits = self._see(torch.tensor([ids[reused:]], device=self.model.device))
            assert self._memory is not None
            self._prompt = _Prompt(ids, logits, self._memory)
        self._hold(torch.tensor([ids], device=self.model.device))
        self._first = len(ids)
        if rows > 1:
            self.fork([0] * rows)
        return self._prompt.logits.expand(rows, -1).clone(), reused

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        new = ids.to(self.model.device)[:, None]
        if self._memory is None and self._length:
            held = self.ids.clone()
            self._hold(held[:, :0])
            self._see_again(held)
        return self._see(new)

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        if not self._cuttable or self._memory is None:
            yield from super().read(ids)
            return
        for part in slices(ids.to(self.model.device), self._vocabulary):
            yield self._logits(part[None], {})[0].float()

    def see(self, ids: torch.Tensor) -> torch.Tensor:
        self._memory = None
        self._hold(ids[:, :0])
        return self._see(ids)

    def rewind(self, length: int) -> None:
        if length >= self._length:
            return
        self._length = length
        self._memory = None
        self._first = min(self._first, length)

    def fork(self, rows: Sequence[int]) -> None:
        if list(rows) == list(range(self._buffer.shape[0])):
            return
        chosen = torch.tensor(rows, device=self._buffer.device)
        self._buffer = self._buffer[chosen]
        if self._memory is not None:
            self._memory = self.model._reorder_cache(self._memory, chosen)

    def cache_shape(self) -> CacheShape | None:
        """The memory's shape: it has no heads, and is there once, not as keys and values."""
        if not self._memory:
            return None
        tokens, rows, width = self._memory[0].shape
        beside = [tensor for pair in getattr(self._memory, "heads", ()) for tensor in pair]
        size = sum(tensor.numel() * tensor.element_size() for tensor in [*self._memory, *beside])
        return CacheShape(len(self._memory), rows, 1, tokens, width, size)

    def reset(self) -> None:
        super().reset()
        self._memory = None
        self._prompt = None

    def _forget(self) -> None:
        self._memory = None
        self._prompt = None

    def _beginning(self, ids: list[int]) -> tuple[int, list[torch.Tensor] | None]:
        """How many of these ids a memory at hand covers, and that memory; at least one id is left to be seen."""
        found: tuple[int, list[torch.Tensor] | None] = (0, None)
        if not self._cuttable:
            return found
        if self._prompt is not None and self._prompt.ids == ids[: len(self._prompt.ids)]:
            found = (len(self._prompt.ids), self._prompt.memory)
        if self._memory is not None and found[0] < self._length < len(ids):
            wanted = torch.tensor(ids[: self._length], device=self._buffer.device)
            rows = (self.ids == wanted).all(dim=1).nonzero()
            if len(rows):
                found = (self._length, self.model._reorder_cache(self._memory, rows[0]))
        return found

    def _see_again(self, rows: torch.Tensor) -> None:
        """The memory of these (rows, n) ids from nothing, by the passes that a prompt and its steps would take."""
        if self._cuttable:
            self._see(rows)
            return
        self._see(rows[:, : self._first])
        for at in range(self._first, rows.shape[1]):
            self._see(rows[:, at : at + 1])

    def _see(self, new: torch.Tensor) -> torch.Tensor:
        """Feed (rows, n) ids after those held; they are held only if that succeeded. The logits after the last."""
        if self._memory is None:
            self._first = new.shape[1]
        whole = self._watching or not self._cuttable
        width = new.shape[1] if whole else max(_SEGMENT, self.model.config.mem_len or 0)
        for segment in new.split(width, dim=1):
            logits = self._forward(segment)
        return logits

    def _forward(self, new: torch.Tensor) -> torch.Tensor:
        return last_logits(self._logits(new, self._one_position))

    @torch.inference_mode()
    def _logits(self, new: torch.Tensor, kept: dict[str, int]) -> torch.Tensor:
        """Those after (rows, n) new ids, or after the last of them as `kept` says."""
        first = self._memory is None
        inputs = self.model.prepare_inputs_for_generation(
            new, mems=self._memory, use_cache=True, is_first_iteration=first, **kept
        )
        try:
            output = self._call(**inputs)
        except BaseException:
            self.reset()
            raise
        self._memory = output.mems
        if self._buffer.shape[0] != new.shape[0]:
            self._hold(new)
        else:
            self._append(new)
        return output.logits
