"""What strategies see of a model: logits for a prompt, logits for one more token, and ways back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from engine.events import CacheShape

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from engine.models.adapters import Mix

_AT_ONCE = 1 << 23  # logits that a slice of a text that is read may have: 32 MiB
_FEWEST = 16  # ids in a slice, however large the vocabulary


class Runner(ABC):
    """Rows of token ids that a model has seen, and its logits after them.

    All rows are equally long. A runner outlives a run: the next prefill keeps whatever beginning it shares with a row.
    """

    by_passes = False
    """Whether the logits depend on which ids went through the model together."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._buffer = torch.empty((0, 0), dtype=torch.long)
        self._length = 0
        self._hidden: tuple[torch.Tensor, ...] = ()
        self._attentions: tuple[Any, ...] = ()
        self._watching: dict[str, bool] = {}
        self._mix: Mix | None = None

    @property
    def adapters(self) -> Mix | None:
        """What the model wears in every pass of this runner; None for whatever it wears by then."""
        return self._mix

    def adapt(self, mix: Mix) -> None:
        """Wear these adapters from the next pass on; what was remembered under others is seen anew by then."""
        if mix != self._mix:
            self._mix = mix
            self._forget()

    def _forget(self) -> None:  # noqa: B027
        """Keep the ids, and nothing that the model made of them."""

    @property
    def ids(self) -> torch.Tensor:
        """(rows, length) of the ids seen so far, on the model's device."""
        return self._buffer[:, : self._length]

    @property
    def length(self) -> int:
        """How many ids each row holds."""
        return self._length

    @property
    def _vocabulary(self) -> int:
        return int(self.model.config.get_text_config(decoder=True).vocab_size)

    @property
    def hidden(self) -> tuple[torch.Tensor, ...]:
        """While watched: the hidden states (rows, n, width) of the last pass, the embeddings first."""
        return self._hidden

    @property
    def states(self) -> torch.Tensor:
        """While watched: the last layer's states (rows, n, width) of the n ids at the end that the last pass saw."""
        return self.hidden[-1]

    @torch.inference_mode()
    def early(self, layers: Sequence[int], head: torch.nn.Module) -> torch.Tensor:
        """While watched: the float32 logits (layers, rows, vocabulary) that `head` reads off the last id in these."""
        self._apply()
        return torch.stack([head(self.hidden[layer][:, -1]).float() for layer in layers])

    @property
    def attentions(self) -> tuple[Any, ...]:
        """While watched: the attentions (rows, heads, n, seen) of the last pass, a layer each, as the model has them.

        Empty where it attends in a way that keeps none of them.
        """
        return self._attentions

    @abstractmethod
    def prefill(self, ids: Sequence[int], rows: int = 1) -> tuple[torch.Tensor, int]:
        """Take `ids`, at least one, into `rows` equal rows.

        Returns the float32 logits (rows, vocabulary) after the last id, and how many ids needed no computing.
        """

    def follow(self, prompt: Sequence[int], written: Sequence[int]) -> torch.Tensor:
        """The logits (1, vocabulary) that a run from `prompt` had after it had `written` these ids."""
        *_, logits = self.following(prompt, written)
        return logits

    def following(self, prompt: Sequence[int], written: Sequence[int]) -> Iterator[torch.Tensor]:
        """The same, pass by pass: one for all where that makes no difference, else one for the prompt and each id."""
        at_once = not self.by_passes
        yield self.prefill([*prompt, *written] if at_once else prompt)[0]
        for token in () if at_once else written:
            yield self.step(torch.tensor([token]))

    @abstractmethod
    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Append one id (rows,) to each row; returns the float32 logits (rows, vocabulary) after it."""

    def extend(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        """Append these ids (n,) to the one row; the float32 logits (1, vocabulary) after each of them.

        Here by steps, each when its logits are asked for, so that nothing is computed and nothing to be taken back
        where they are not. Where one pass sees them all, the row holds all from the first logits on.
        """
        for token in ids:
            yield self.step(token[None])

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        """Append these ids (n,) to the one row, to stay; the float32 logits (some, vocabulary) after each, in order.

        Here by steps. Where one pass can see many, it does, in slices whose logits take a bounded memory.
        """
        for token in ids:
            yield self.step(token[None])

    @abstractmethod
    def see(self, ids: torch.Tensor) -> torch.Tensor:
        """Forget everything and see these (rows, n) ids in one pass; the logits (rows, vocabulary) after them."""

    @abstractmethod
    def rewind(self, length: int) -> None:
        """Forget all ids from position `length` (at least 0) on, in every row."""

    @abstractmethod
    def fork(self, rows: Sequence[int]) -> None:
        """Rearrange: new row i becomes a copy of the old row `rows[i]`, so rows may be dropped, doubled, reordered."""

    @contextmanager
    def watched(self, *, hidden: bool = True, attentions: bool = False) -> Iterator[None]:
        """Keep the hidden states or attentions of every pass inside, beside what is watched already.

        It begins from nothing, so that a prompt's are whole.
        """
        self.reset()
        before = self._watching
        asked = {"output_hidden_states": hidden, "output_attentions": attentions}
        self._watching = before | {name: True for name, wanted in asked.items() if wanted}
        try:
            yield
        finally:
            self._watching, self._hidden, self._attentions = before, (), ()

    def cache_shape(self) -> CacheShape | None:
        """The KV cache's shape, or None where the model has none."""
        return None

    def reset(self) -> None:
        """Forget everything, and free what was remembered."""
        self._buffer = torch.empty((0, 0), dtype=torch.long, device=self.model.device)
        self._length = 0

    def _call(self, **inputs: Any) -> Any:
        """The model's output for these inputs."""
        self._apply()
        output = self.model(**inputs | self._watching, return_dict=True)
        if self._watching:
            # A model without one of them has no such field in its output.
            self._hidden = tuple(getattr(output, "hidden_states", None) or ())
            self._attentions = tuple(getattr(output, "attentions", None) or ())
        return output

    def _apply(self) -> None:
        if self.adapters is not None:
            self.adapters.apply()

    def _hold(self, ids: torch.Tensor) -> None:
        """Keep these ids (rows, n) as all that was seen."""
        self._buffer, self._length = ids, ids.shape[1]

    def _append(self, ids: torch.Tensor) -> None:
        """Append (rows, n) ids; the buffer doubles, so that appending costs the same at any length."""
        needed = self._length + ids.shape[1]
        if needed > self._buffer.shape[1]:
            grown = self._buffer.new_empty((self._buffer.shape[0], 2 * needed))
            grown[:, : self._length] = self.ids
            self._buffer = grown
        self._buffer[:, self._length : needed] = ids
        self._length = needed


def slices(ids: torch.Tensor, vocabulary: int) -> tuple[torch.Tensor, ...]:
    """These ids (n,) cut where the logits of a piece would take more than `_AT_ONCE` numbers."""
    return ids.split(max(_FEWEST, _AT_ONCE // vocabulary)) if len(ids) else ()


def last_logits(logits: torch.Tensor) -> torch.Tensor:
    """(rows, vocabulary) float32 logits of the last position of (rows, n, vocabulary)."""
    return logits[:, -1].to(dtype=torch.float32, copy=True)
