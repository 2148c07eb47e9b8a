"""Classifier-free guidance (Ho & Salimans 2022; Sanchez et al. 2023, for texts): what the prompt adds, made stronger.

The new text is put through the model twice, after the prompt and after another beginning (a negative prompt, or the
prompt's last token alone); the log-probabilities are moved along the difference of the two. The second rows have a
cache of their own and are forked and rewound with the first, so guidance holds under whatever strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from engine.runner.base import Runner
from engine.runner.sliding import SlidingRunner
from engine.window import Window

if TYPE_CHECKING:
    from engine.models.adapters import Mix


class GuidedRunner(SlidingRunner):
    """Made for one run, as what it is built on; `scale` may be changed between any two steps.

    While the scale is 1 the second rows are let go; they are seen anew where it moves away from 1 in the middle.
    """

    def __init__(
        self,
        runner: Runner,
        second: Callable[[], Runner],
        negative: Sequence[int] = (),
        window: Window | None = None,
    ) -> None:
        super().__init__(runner)
        self._make = second
        self.scale = 1.0
        self._negative = list(negative)
        self._window = window
        self._own: torch.Tensor | None = None
        self._beginning: list[int] = []
        self._prompt_length = 0
        self._follows = False

    def prefill(self, ids: Sequence[int], rows: int = 1) -> tuple[torch.Tensor, int]:
        logits, reused = super().prefill(ids, rows)
        self._beginning, self._prompt_length = self._negative or list(ids)[-1:], len(ids)
        self._follows = self.scale != 1
        if not self._follows:
            return logits, reused
        return self._moved(logits, self._second.prefill(self._beginning, rows)[0]), reused

    def following(self, prompt: Sequence[int], written: Sequence[int]) -> Iterator[torch.Tensor]:
        if self.scale == 1 or not written or self.by_passes:
            yield from super().following(prompt, written)
            return
        self.prefill(prompt)  # what it moves away from depends on where the prompt ends
        yield self.see(torch.tensor([[*prompt, *written]], device=self.model.device))

    def adapt(self, mix: Mix) -> None:
        super().adapt(mix)
        if "_second" in vars(self):
            self._second.adapt(mix)

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        logits = super().step(ids)
        return self._guided(logits, ids)

    def extend(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        if self.scale == 1:
            self._follows = False
            return super().extend(ids)
        return Runner.extend(self, ids)  # the scale may change between any two of them

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        return Runner.read(self, ids)

    def see(self, ids: torch.Tensor) -> torch.Tensor:
        self._follows = False
        return self._guided(super().see(ids))

    @property
    def view(self) -> tuple[object, ...]:
        return (*super().view, self.scale)

    def early(self, layers: Sequence[int], head: torch.nn.Module) -> torch.Tensor:
        """Moved as the last layer's logits are, each layer against the same layer after the other beginning."""
        found = super().early(layers, head)
        return self._moved(found, self._second.early(layers, head)) if self._follows else found

    @contextmanager
    def watched(self, *, hidden: bool = True, attentions: bool = False) -> Iterator[None]:
        # Of the second rows only layers are read.
        with super().watched(hidden=hidden, attentions=attentions), self._second.watched(hidden=hidden):
            yield

    def rewind(self, length: int) -> None:
        super().rewind(length)
        if length < self._prompt_length:
            self._follows = False
        elif self._follows:
            self._second.rewind(len(self._beginning) + length - self._prompt_length)

    def fork(self, rows: Sequence[int]) -> None:
        super().fork(rows)
        if self._follows:
            self._second.fork(rows)

    def reset(self) -> None:
        super().reset()
        self._follows = False

    @cached_property
    def _second(self) -> SlidingRunner:
        # A beginning that is longer than the prompt outgrows the model before the text does: it always slides.
        second = SlidingRunner(self._make(), self._window)
        if self.adapters is not None:
            second.adapt(self.adapters)
        return second

    def _guided(self, logits: torch.Tensor, step: torch.Tensor | None = None) -> torch.Tensor:
        """The first rows' logits moved, after the second ones have come to where the first are."""
        if self.scale == 1 or not self._beginning:
            self._follows = False
            return logits
        if self._follows and step is not None:
            return self._moved(logits, self._second.step(step))
        new = self.ids[:, self._prompt_length :]
        beginning = torch.tensor([self._beginning], device=new.device).expand(new.shape[0], -1)
        self._follows = True
        return self._moved(logits, self._second.see(torch.cat([beginning, new], dim=1)))

    def unguided(self, logits: torch.Tensor) -> torch.Tensor:
        """What the model gave for the text itself, of which these logits (rows, vocabulary) were made."""
        return logits if self._own is None or self.scale == 1 else self._own

    def _moved(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        self._own = logits
        towards, away = torch.log_softmax(logits, dim=-1), torch.log_softmax(other, dim=-1)
        return away + self.scale * (towards - away)
