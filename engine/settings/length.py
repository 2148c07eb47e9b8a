"""How long a text gets, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import COUNTS, LENGTHS, declare, declare_text
from engine.settings.shapes import decay


@dataclass(frozen=True, kw_only=True)
class LengthSettings:
    """They act under every strategy."""

    max_new_tokens: int = declare(
        20,
        kind="int",
        upstream=20,
        low=-1,
        high=1_000_000,
        span=(0, 500),
        ladder=LENGTHS,
        flags=("--length",),
        live=True,
        label="length",
        unit="tokens",
        help="How many new tokens at most; -1 for as many as the model takes.",
    )
    max_length: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=1,
        high=1_000_000,
        live=True,
        unit="tokens",
        help="How many tokens at most, the prompt counted in; acts beside the length.",
    )
    min_new_tokens: int = declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=1_000_000,
        span=(0, 500),
        ladder=COUNTS,
        live=True,
        unit="tokens",
        help="The model cannot end the text before this many new tokens.",
    )
    min_length: int = declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=1_000_000,
        live=True,
        unit="tokens",
        help="The model cannot end the text before this many tokens, the prompt counted in.",
    )
    exponential_decay_length_penalty: tuple[int, float] | None = declare(
        None,
        kind="json",
        shape=decay,
        takes="[new tokens, factor]",
        can_be_off=True,
        live=True,
        label="urge to end",
        help="After so many new tokens the end of the text becomes likelier at each step, by this factor.",
    )
    max_time: float | None = declare(
        None,
        kind="float",
        can_be_off=True,
        low=0,
        low_open=True,
        high=1e9,
        step=1,
        live=True,
        unit="s",
        help="Seconds of computing after which the run ends.",
    )
    stop_token: str = declare_text(
        live=True,
        label="stop text",
        help="The run ends where this text comes, and the output is cut before it.",
    )
    stop_strings: tuple[str, ...] = declare(
        (),
        kind="texts",
        upstream=(),
        off=(),
        can_be_off=True,
        live=True,
        help="The run ends after any of these texts; nothing is cut.",
    )
    eos_token_id: tuple[int, ...] | None = declare(
        None,
        kind="ids",
        off=(),
        can_be_off=True,
        can_be_auto=True,
        live=True,
        label="end tokens",
        help="Token ids that end the text: auto takes the model's own, off lets none end it.",
    )
