"""The library's caches by their names: which one a runner keeps, and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transformers import Cache, DynamicCache, QuantizedCache, StaticCache

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

STATIC = frozenset({"static", "offloaded_static"})
_LEAST = 64


@dataclass(frozen=True, slots=True)
class CachePlan:
    """How a runner remembers: `kind` is dynamic, static, offloaded, offloaded_static or quantized.

    `options` are those of a quantized cache, `capacity` the tokens that a static one has room for at first, `chunk`
    how many ids of a prompt go through the model at a time.
    """

    kind: str = "dynamic"
    options: tuple[tuple[str, Any], ...] = ()
    capacity: int | None = None
    chunk: int | None = None

    @property
    def is_static(self) -> bool:
        """Whether its room is limited."""
        return self.kind in STATIC

    @property
    def is_plain(self) -> bool:
        """Whether its layers are where the model is and can be cut."""
        return self.kind == "dynamic"

    def cache(self, config: PreTrainedConfig, tokens: int) -> Cache:
        """An empty cache for a text that is to get so many tokens. Raises what the library's classes raise."""
        if self.is_static:
            return StaticCache(config, max_cache_len=self.room(tokens), offloading=self.kind != "static")
        if self.kind == "quantized":
            return QuantizedCache(**{"backend": "quanto", "config": config, **dict(self.options)})
        return DynamicCache(config=config, offloading=self.kind == "offloaded")

    def room(self, tokens: int) -> int:
        """A static cache's room for so many tokens: it doubles, so that a growing text is seldom seen anew."""
        least = max(self.capacity or _LEAST, 1)
        while least < tokens:
            least *= 2
        return least
