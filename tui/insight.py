"""What a run tells of how it works inside: prefill and decoding apart, and what is remembered of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.events import CacheShape, Event, Finished, Prefilled, Timing
from engine.quantities import bytes_text
from tui.jobs import Stats

_SIZES = {"float64": (8,), "float32": (4,), "bfloat16": (2,), "float16": (2,)}  # bytes of a number
_ANY_SIZE = (2, 4)  # weights in few bits do not tell what is computed in
_LENGTHS = (16, 128, 1024, 8192)
_BAR = 24


@dataclass
class Insight:
    """The last run's, as far as it has come."""

    prefill: Prefilled | None = None
    timing: Timing | None = None
    tokens_per_s: float = 0.0
    cache: CacheShape | None = None

    def hear(self, event: Event) -> None:
        """Take over what concerns it."""
        match event:
            case Prefilled():
                self.prefill, self.timing, self.cache = event, None, event.cache
                self.tokens_per_s = 0.0
            case Finished(_, timing):
                self.timing = timing

    def measure(self, stats: Stats) -> None:
        """Take over the read-outs of the run under way."""
        self.tokens_per_s = stats.tokens_per_s
        self.cache = stats.cache or self.cache

    def lines(self, positions: int | None, dtype: str) -> list[str]:
        """All of it in words; `dtype` is the model's."""
        if self.prefill is None:
            return ["No run has begun yet: this fills as one goes."]
        return [*self._times(self.prefill), "", *self._memory(positions, _SIZES.get(dtype, _ANY_SIZE))]

    def _times(self, prefill: Prefilled) -> list[str]:
        computed = prefill.tokens - prefill.reused
        each = f" ({_time(prefill.seconds / computed)} each)" if computed else ""
        lines = [
            "Prefill: the whole prompt goes through the model at once.",
            f"  {prefill.tokens:,} tokens: {prefill.reused:,} remembered, {computed:,} computed",
            f"  {_time(prefill.seconds)}{each}",
            "",
            "Decoding: one pass a token, over what is kept of all before it.",
        ]
        if self.timing is not None and self.timing.tokens:
            timing = self.timing
            lines.append(f"  {timing.tokens:,} tokens in {_time(timing.decode_s)}, {timing.tokens_per_s:,.1f} a second")
            lines.append(f"  {_time(timing.decode_s / timing.tokens)} each")
        elif self.tokens_per_s:
            lines.append(f"  {self.tokens_per_s:,.1f} tokens a second so far, {_time(1 / self.tokens_per_s)} each")
        return lines

    def _memory(self, positions: int | None, sizes: Sequence[int]) -> list[str]:
        cache = self.cache
        if cache is None or not cache.bytes:
            return ["This model keeps nothing from step to step: each new token sees the whole text again."]
        rows = f" x {cache.rows} rows" if cache.rows > 1 else ""
        shape = f"{cache.layers} layers{rows} x {cache.heads} heads x {cache.tokens:,} tokens x {cache.width} wide"
        numbers = cache.layers * cache.rows * cache.heads * cache.tokens * cache.width
        size = next((size for size in sizes if cache.bytes == 2 * numbers * size), None)
        if size is None:
            what = "Memory: the hidden states of the tokens that are remembered, of each layer."
            return [what, f"  {shape}", f"  {bytes_text(cache.bytes)}, with what lies beside them"]
        each = cache.bytes // cache.tokens
        return [
            "KV cache: a key and a value of each token, in every layer and head.",
            f"  {shape}",
            f"  x 2 x {size} bytes = {bytes_text(cache.bytes)}, {bytes_text(each)} a token",
            *_growth(cache.tokens, each, positions),
        ]


def _growth(now: int, each: int, positions: int | None) -> list[str]:
    """How large the cache is at some lengths, as bars."""
    most = positions or max(now, _LENGTHS[-1])
    lengths = sorted({now, most, *(length for length in _LENGTHS if length < most)})
    lines = []
    for length in lengths:
        named = " now" if length == now else " full" if length == positions else ""
        bar = "█" * max(1, round(_BAR * length / lengths[-1]))
        lines.append(f"  {length:>9,} tokens {bytes_text(each * length):>8} {bar}{named}")
    return lines


def _time(seconds: float) -> str:
    return f"{1000 * seconds:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s"
