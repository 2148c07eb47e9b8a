"""What a run tells beside its tokens."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare


@dataclass(frozen=True, kw_only=True)
class ViewSettings:
    """They change nothing in the text."""

    alternatives: int = declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=100,
        span=(0, 20),
        live=True,
        help="How many of the likeliest tokens are recorded beside each token that was chosen.",
    )
