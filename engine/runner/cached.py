"""The runner with a KV cache: a prompt costs one pass, a new token a pass that is one token wide.

Pope et al. 2022, "Efficiently Scaling Transformer Inference", for prefill and decode. The cache is transformers' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from transformers.cache_utils import DynamicLayer

from engine.events import CacheShape
from engine.releases import CACHE, passed_over
from engine.runner.base import Runner, last_logits, slices
from engine.runner.caches import CachePlan

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel


class CachedRunner(Runner):
    """Keeps keys and values of every id it has seen (`ids` and cache are always equally long)."""

    KINDS = frozenset({"dynamic", "static", "offloaded", "offloaded_static", "quantized"})
    """The caches that it can keep."""

    def __init__(self, model: PreTrainedModel, plan: CachePlan | None = None) -> None:
        super().__init__(model)
        self.plan = plan or CachePlan()
        self._cache = self._new_cache()
        self._one_position = {"logits_to_keep": 1} if model._supports_logits_to_keep() else {}
        # Logits after the last prefill: the same prompt again starts from the very same numbers, bit for bit.
        self._prompt: tuple[list[int], torch.Tensor] | None = None
        self._unseen = False  # the ids are held, and nothing of them is in the cache

    def use(self, plan: CachePlan) -> None:
        """Remember by this plan from now on; under another one everything is forgotten."""
        if plan != self.plan:
            self.plan = plan
            self.reset()

    def prefill(self, ids: Sequence[int], rows: int = 1) -> tuple[torch.Tensor, int]:
        ids = list(ids)
        if self._unseen:
            self.reset()
        row, shared = self._best_row(ids)
        whole = shared == len(ids) and (shared == self.length or self._can_be_cut())
        if whole and self._prompt is not None and self._prompt[0] == ids:
            self.fork([row])
            self.rewind(shared)
            logits, reused = self._prompt[1], shared
        else:
            reused = self._keep_beginning(row, min(shared, len(ids) - 1))  # the model must see one id to give logits
            logits = self._forward(torch.tensor([ids[reused:]], device=self.model.device), first=reused == 0)
            self._prompt = (ids, logits)
        if rows > 1:
            self.fork([0] * rows)
        return logits.expand(rows, -1).clone(), reused

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        new = ids.to(self.model.device)[:, None]
        return self.see(torch.cat([self.ids, new], dim=1)) if self._unseen else self._forward(new, first=False)

    def extend(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        if self._unseen:
            yield self.step(ids[:1])
            ids = ids[1:]
            if not len(ids):
                return
        # To take back what is not wanted would be dearer than to go step by step; and who watches wants each step.
        if not self._can_be_cut() or self._watching:
            yield from super().extend(ids)
            return
        one, self._one_position = self._one_position, {}
        try:
            logits = self._seen(ids.to(self.model.device)[None], first=False)
        finally:
            self._one_position = one
        for place in range(logits.shape[1]):
            yield last_logits(logits[:, : place + 1])

    def read(self, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        if self._unseen and len(ids):
            yield self.step(ids[:1])
            ids = ids[1:]
        if not all(isinstance(layer, DynamicLayer) for layer in self._cache.layers):  # a state is not made for slices
            yield from super().read(ids)
            return
        for part in slices(ids.to(self.model.device), self._vocabulary):
            one, self._one_position = self._one_position, {}
            try:
                logits = self._seen(part[None], first=False)
            finally:
                self._one_position = one
            yield logits[0].float()

    def see(self, ids: torch.Tensor) -> torch.Tensor:
        self._cache, self._unseen = self._new_cache(ids.shape[1]), False
        self._hold(ids[:, :0])
        return self._forward(ids, first=True)

    def rewind(self, length: int) -> None:
        surplus = self.length - length
        if surplus <= 0:
            return
        if self._unseen:
            self._length = length
            return
        if not self._can_be_cut() or length == 0:
            rows = self.ids[:, :length].clone()
            self.reset()
            if length:
                self.see(rows)  # layers with a window or a state have forgotten what they would need
            return
        self._cut(surplus)
        self._length = length

    def fork(self, rows: Sequence[int]) -> None:
        if list(rows) == list(range(self._buffer.shape[0])):
            return
        chosen = torch.tensor(rows, device=self.model.device)
        if not self._unseen:
            self._cache.reorder_cache(chosen)
        self._buffer = self._buffer[chosen]

    def cache_shape(self) -> CacheShape | None:
        layers = [layer for layer in self._cache.layers if getattr(layer, "keys", None) is not None]
        if not layers or self.plan.kind == "quantized":  # what is quantized, and to how much, its layers do not tell
            return None
        rows, heads, room, width = layers[0].keys.shape
        tokens = min(room, self.length)
        size = sum(t.numel() * t.element_size() for layer in layers for t in (layer.keys, layer.values))
        return CacheShape(len(layers), rows, heads, tokens, width, size)

    def reset(self) -> None:
        super().reset()
        self._cache, self._unseen = self._new_cache(), False
        self._prompt = None

    def _forget(self) -> None:
        self._cache, self._unseen = self._new_cache(), self._length > 0
        self._prompt = None

    @torch.inference_mode()
    def _forward(self, ids: torch.Tensor, *, first: bool) -> torch.Tensor:
        """The logits after the last of these new ids."""
        if self.plan.is_static and self.length + ids.shape[1] > self._room:  # all goes into a larger cache
            ids, first = torch.cat([self.ids, ids], dim=1) if self.length else ids, True
            self._cache = self._new_cache(ids.shape[1])
            self._hold(ids[:, :0])
        logits: torch.Tensor | None = None
        hidden: list[tuple[torch.Tensor, ...]] = []
        for part in self._parts(ids):
            logits = self._seen(part, first=first and logits is None)
            hidden.append(self._hidden)
        if len(hidden) > 1 and self._hidden:
            self._hidden = tuple(torch.cat(layer, dim=1) for layer in zip(*hidden, strict=True))
        assert logits is not None
        return last_logits(logits)

    def _parts(self, ids: torch.Tensor) -> Sequence[torch.Tensor]:
        """(rows, n) ids as they go through the model: in chunks, but for attentions, which no chunk has whole."""
        chunk = self.plan.chunk
        return ids.split(chunk, dim=1) if chunk and "output_attentions" not in self._watching else [ids]

    @torch.inference_mode()
    def _seen(self, ids: torch.Tensor, *, first: bool) -> torch.Tensor:
        """Feed (rows, n) new ids after those in the cache; the ids are held only if the pass succeeded."""
        try:
            logits = self._pass(ids, first=first)
        except BaseException:
            self.reset()  # some layers may have cached the ids and others not
            raise
        if self._buffer.shape[0] != ids.shape[0]:
            self._hold(ids)
        else:
            self._append(ids)
        # A static cache counts on its device, and to ask it there would hold every step up.
        if not self.plan.is_static and self._cache.get_seq_length() != self._length:
            self.reset()
            raise passed_over("the cache")
        return logits

    def _pass(self, ids: torch.Tensor, *, first: bool) -> torch.Tensor:
        """The model's logits for (rows, n) new ids; their keys and values go into the cache."""
        inputs = self.model.prepare_inputs_for_generation(
            ids, **{CACHE: self._cache}, use_cache=True, is_first_iteration=first, **self._one_position
        )
        return self._call(**inputs).logits

    def _cut(self, count: int) -> None:
        """Take that many ids off the end of the cache; layers that were passed by hold none."""
        for layer in self._cache.layers:
            if layer.is_initialized:
                layer.crop(-count)

    def _best_row(self, ids: list[int]) -> tuple[int, int]:
        """The row that shares the longest beginning with `ids`, and how long that is."""
        if self.length == 0:
            return 0, 0
        width = min(self.length, len(ids))
        wanted = torch.tensor(ids[:width], device=self._buffer.device)
        same = (self._buffer[:, :width] == wanted).long().cumprod(dim=1).sum(dim=1)
        row = int(same.argmax())
        return row, int(same[row])

    def _keep_beginning(self, row: int, length: int) -> int:
        """Keep `length` ids of one row, or nothing where the cache cannot be cut; returns how many were kept."""
        # A quantized cache has lost something: the text from its beginning would not give the same numbers.
        cannot = length < self.length and not self._can_be_cut()
        if length == 0 or cannot or self.plan.kind == "quantized":
            self.reset()
            return 0
        self.fork([row])
        self.rewind(length)
        return length

    def _can_be_cut(self) -> bool:
        return self.plan.is_plain and all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def _new_cache(self, tokens: int = 0) -> Cache:
        self._room = self.plan.room(tokens)
        return self.plan.cache(self.model.config.get_text_config(decoder=True), tokens)
