"""How much of a text the model sees, and what becomes of a text that outgrows it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare

_WINDOWS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)


@dataclass(frozen=True, kw_only=True)
class ContextSettings:
    """They act on the model's view of the text; the text itself stays whole."""

    overflow: str = declare(
        "stop",
        kind="choice",
        choices=("stop", "slide"),
        upstream="stop",
        live=True,
        help="Where a text outgrows what the model can see: stop, or slide: the oldest text falls out of its sight.",
    )
    context_window: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=16,
        high=1_000_000,
        ladder=_WINDOWS,
        live=True,
        unit="tokens",
        help="How many tokens the model sees at most, where that is less than it could see.",
    )
