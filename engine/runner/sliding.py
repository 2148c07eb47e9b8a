"""A runner over a runner: it holds the whole text, and lets the model see no more of it than fits in a window.

While all of it fits the two hold the same, and nothing is kept twice. Where the oldest part falls out of sight, what
is left is seen anew in one pass: its positions have changed, and what the model remembered of it had seen the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from engine.events import CacheShape
from engine.runner.base import Runner
from engine.window import Window

if TYPE_CHECKING:
    from engine.models.adapters import Mix


class SlidingRunner(Runner):
    """Made for one run; the runner that it sees through outlives it.

    `window` may be changed between any two steps, and the next step obeys. What is seen follows from it and from the
    length of the text alone (see `Window`).
    """

    def __init__(self, runner: Runner, window: Window | None = None) -> None:
        super().__init__(runner.model)
        self.window = window
        self.out = 0
        """How many ids of each row are out of the model's sight."""
        self._head = 0
        self._stale = False  # taken back to where more was in sight
        self._seeing = runner

    @property
    def by_passes(self) -> bool:  # type: ignore[override]
        return self._seeing.by_passes

    @property
    def ids(self) -> torch.Tensor:
        """(rows, length) of all ids, those out of sight too."""
        return super().ids if self.out else self._seeing.ids

    @property
    def length(self) -> int:
        """How many ids each row holds, those out of sight too."""
        return self._length if self.out else self._seeing.length

    @property
    def seen(self) -> int:
        """How many ids of each row the model sees."""
        return self.length - self.out

    @property
    def hidden(self) -> tuple[torch.Tensor, ...]:
        return self._seeing.hidden

    @property
    def states(self) -> torch.Tensor:
        return self._seeing.states

    @property
    def view(self) -> tuple[object, ...]:
        """What the logits follow from beside the ids: where it changes, those of the pass before are out of date."""
        return (self.window, self.adapters)

    @property
    def adapters(self) -> Mix | None:
        return self._seeing.adapters

    def adapt(self, mix: Mix) -> None:
        self._seeing.adapt(mix)

    @property
    def attentions(self) -> tuple[Any, ...]:
        return self._seeing.attentions

    @contextmanager
    def watched(self, *, hidden: bool = True, attentions: bool = False) -> Iterator[None]:
        with self._seeing.watched(hidden=hidden, attentions=attentions):
            yield

    def prefill(self, ids: Sequence[int], rows: int = 1) -> tuple[torch.Tensor, int]:
        text = torch.tensor([list(ids)])
        self._look(text.expand(rows, -1).to(self.model.device))
        return self._seeing.prefill(self._in_sight(text)[0].tolist(), rows)

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        new = ids.to(self.model.device)[:, None]
        if self._stays(self.length + 1):
            if self.out:
                self._append(new)
            return self._seeing.step(ids)
        return self._seen_anew(torch.cat([self.ids, new], dim=1))

    def extend(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        start, ids = self.length, ids.to(self.model.device)
        steady = next((n for n in range(len(ids)) if not self._stays(start + n + 1)), len(ids))
        for logits in self._seeing.extend(ids[:steady]) if steady else ():
            if self.out:
                self._append(ids[None, self.length - start : self._seeing.length + self.out - start])
            yield logits
        if steady < len(ids):  # once these are accepted, and not before, the window moves
            yield self.step(ids[steady : steady + 1])
            yield from self.extend(ids[steady + 1 :])

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        while len(ids):
            room = len(ids) if self.window is None else max(0, self.window.most - self.seen)
            if not room or not self._stays(self.length + 1):
                yield self.step(ids[:1])
                ids = ids[1:]
                continue
            part, ids = ids[:room].to(self.model.device), ids[room:]
            for logits in self._seeing.read(part):
                if self.out:
                    self._append(part[None, : len(logits)])
                    part = part[len(logits) :]
                yield logits

    def see(self, ids: torch.Tensor) -> torch.Tensor:
        return self._seen_anew(ids)

    def _seen_anew(self, ids: torch.Tensor) -> torch.Tensor:
        self._look(ids)
        return self._seeing.see(self._in_sight(ids))

    def rewind(self, length: int) -> None:
        # Where more comes into sight again by that, the next step sees to it.
        self._stale = self._stale or (self.out > 0 and not self._stays(length))
        self._length = min(self._length, length)
        self._seeing.rewind(max(length - self.out, 0))

    def fork(self, rows: Sequence[int]) -> None:
        self._seeing.fork(rows)
        if self.out:
            self._buffer = self._buffer[torch.tensor(rows, device=self._buffer.device)]

    def cache_shape(self) -> CacheShape | None:
        return self._seeing.cache_shape()

    def reset(self) -> None:
        super().reset()
        self.out, self._head, self._stale = 0, 0, False
        self._seeing.reset()

    def _stays(self, length: int) -> bool:
        """Whether the window need not move for a text of this length."""
        return not self._stale and self._wanted(length) == (self._head, self.out)

    def _wanted(self, length: int) -> tuple[int, int]:
        """(ids that stay in sight at the beginning, ids out of sight) for a text of this length."""
        if self.window is None or not self.window.out(length):
            return 0, 0
        return self.window.seen(length)[0].stop, self.window.out(length)

    def _look(self, text: torch.Tensor) -> None:
        """Hold (rows, n) ids as the whole text, where the model is not to see all of it."""
        self._head, self.out = self._wanted(text.shape[1])
        self._stale = False
        self._hold(text if self.out else text[:, :0])

    def _in_sight(self, text: torch.Tensor) -> torch.Tensor:
        return torch.cat([text[:, : self._head], text[:, self._head + self.out :]], dim=1) if self.out else text
