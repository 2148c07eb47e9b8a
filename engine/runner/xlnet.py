"""The runner for XLNet (Yang et al. 2019): a dummy token after the text is what the model predicts.

The prompt is seen in one pass, both ways. A step then sees the last two tokens and the dummy beside the memory of
all before them, as the library's generate() does, so it is no wider at the thousandth token than at the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from engine.releases import passed_over
from engine.runner.base import last_logits
from engine.runner.memory import MemoryRunner

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_AGAIN = 2  # ids at the end that a step sees once more, with the dummy after them


class XLNetRunner(MemoryRunner):
    """The memory's rows are those of the text and one for the dummy token, or the last `mem_len` of them."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model)
        self._cuttable = False  # the first pass sees both ways: what it saw is part of what it remembers

    @property
    def states(self) -> torch.Tensor:
        # Each layer has two: what the ids are, the dummy among them, and what is predicted in its place.
        return self.hidden[-2][:, :-1]

    def rewind(self, length: int) -> None:
        seen, memory, first = self._length, self._memory, self._first
        super().rewind(length)
        # A step leaves the last two rows out and computes them anew, so all before them are as they were.
        if memory and first <= length < seen and memory[0].shape[0] == seen + 1:
            self._memory = [layer[: length + 1] for layer in memory]

    @torch.inference_mode()
    def _forward(self, new: torch.Tensor) -> torch.Tensor:
        text = torch.cat([self.ids, new], dim=1) if self._length else new
        # The library prepares a step as it does a text of its ids alone; the name it wants the memory by has changed.
        inputs = self.model.prepare_inputs_for_generation(text[:, -_AGAIN:] if self._memory else text, use_mems=True)
        if self._memory:
            inputs["mems"] = tuple(layer[:-_AGAIN] for layer in self._memory)
        inputs["target_mapping"] = inputs["target_mapping"].to(self.model.dtype)
        try:
            with self._one_precision():
                output = self._call(**inputs)
            self._check_taken(inputs, output)
        except BaseException:
            self.reset()
            raise
        self._memory = list(output.mems)
        self._hold(text)
        return last_logits(output.logits)

    def _check_taken(self, inputs: dict[str, Any], output: Any) -> None:
        """A step that passed the memory over has seen two ids for the whole text: it leaves too short a memory."""
        if "mems" in inputs:
            limits, new = self.model.transformer, inputs["input_ids"].shape[1]
            rows = inputs["mems"][0].shape[0] + min(new, limits.reuse_len or new)
            if output.mems[0].shape[0] != min(rows, limits.mem_len or rows):
                raise passed_over("the memory")

    @contextmanager
    def _one_precision(self) -> Iterator[None]:
        """The library's table of positions is float32 whatever the weights are: here it follows them."""
        transformer = self.model.transformer
        table = transformer.relative_positional_encoding

        def following(*args: Any, **options: Any) -> torch.Tensor:
            return table(*args, **options).to(self.model.dtype)

        transformer.relative_positional_encoding = following
        try:
            yield
        finally:
            del transformer.relative_positional_encoding  # the class's own shows again
