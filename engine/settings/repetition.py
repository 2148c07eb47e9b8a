"""What keeps a text from repeating itself."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare


@dataclass(frozen=True, kw_only=True)
class RepetitionSettings:
    """They act under every strategy."""

    repetition_penalty: float = declare(
        1.0,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        low_open=True,
        high=100,
        span=(0.5, 2),
        step=0.05,
        label="repetition",
        live=True,
        help="Above 1 makes tokens that are already in the text less likely, below 1 more likely.",
        paper="Keskar et al. 2019",
    )
    no_repeat_ngram_size: int = declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=1000,
        span=(0, 10),
        live=True,
        label="no-repeat n-gram",
        help="No run of this many tokens can come twice, the prompt included.",
        paper="Paulus, Xiong & Socher 2018",
    )
    encoder_repetition_penalty: float = declare(
        1.0,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        low_open=True,
        high=100,
        span=(0.5, 2),
        step=0.05,
        live=True,
        label="prompt's words",
        help="Above 1 makes tokens of the prompt more likely, below 1 less likely.",
    )
    encoder_no_repeat_ngram_size: int = declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=1000,
        span=(0, 10),
        live=True,
        label="no prompt n-gram",
        help="No run of this many tokens of the prompt can come.",
    )
