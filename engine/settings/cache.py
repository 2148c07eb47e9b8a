"""What a run remembers of the text, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.shapes import options

CACHES = (
    "dynamic",
    "static",
    "offloaded",
    "offloaded_static",
    "quantized",
    # The library's older names, and one of its server.
    "hybrid",
    "hybrid_chunked",
    "sliding_window",
    "offloaded_hybrid",
    "offloaded_hybrid_chunked",
    "paged",
)


@dataclass(frozen=True, kw_only=True)
class CacheSettings:
    """They change how much memory and time a text takes, and but for a quantized cache none of its tokens."""

    use_cache: bool = declare(
        True,
        kind="bool",
        upstream=True,
        live=False,
        help="Keys and values of the text are kept from one token to the next; off, each token sees the whole text "
        "again.",
    )
    cache_implementation: str = declare(
        "dynamic",
        kind="choice",
        choices=CACHES,
        upstream="dynamic",
        live=False,
        label="cache",
        help="How keys and values are kept: as they come (dynamic), in a block made beforehand (static), in the "
        "computer's memory between passes (offloaded), or with fewer bits (quantized).",
    )
    cache_config: tuple[tuple[str, object], ...] | None = declare(
        None,
        kind="json",
        shape=options,
        takes='an object such as {"backend": "fp8"}',
        can_be_off=True,
        live=False,
        label="cache options",
        help="Of a quantized cache: its backend (quanto, hqq or fp8), nbits, axis_key, axis_value, q_group_size, "
        "residual_length.",
    )
    max_cache_len: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=1,
        high=1_000_000,
        live=False,
        label="cache length",
        unit="tokens",
        help="How many tokens a static cache has room for at first; it grows where a text needs more.",
    )
    prefill_chunk_size: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=1,
        high=1_000_000,
        live=False,
        label="prefill chunk",
        unit="tokens",
        help="The prompt goes through the model in pieces of so many tokens, which takes less memory at once.",
    )
