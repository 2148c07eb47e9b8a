"""What the strategies go by that compare candidates or layers."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.shapes import layers


@dataclass(frozen=True, kw_only=True)
class ComparingSettings:
    """They act under the strategy that each names; elsewhere they have no effect."""

    do_sample: bool = declare(
        True,
        kind="bool",
        upstream=False,
        under=("dola", "assisted"),
        live=True,
        label="draw",
        help="Under DoLa and assisted: tokens are drawn, instead of the likeliest taken. The "
        "other strategies say it by their name.",
    )
    penalty_alpha: float = declare(
        0.6,
        kind="float",
        upstream=0.0,
        low=0,
        high=1,
        span=(0, 1),
        step=0.05,
        under=("contrastive",),
        live=True,
        help="Contrastive: how much a candidate that resembles what is there loses against its probability. Top-k "
        "says how many candidates there are, 4 where it is off.",
        paper="Su et al. 2022",
    )
    dola_layers: str | tuple[int, ...] | None = declare(
        "high",
        kind="json",
        shape=layers,
        takes="low, high or a list of layers",
        can_be_off=True,
        under=("dola",),
        live=True,
        label="DoLa layers",
        help="DoLa: the early layers that the last one is contrasted with.",
        paper="Chuang et al. 2024",
    )
    low_memory: bool = declare(
        False,
        kind="bool",
        upstream=False,
        under=("contrastive",),
        live=True,
        help="Contrastive: the candidates go through the model one after the other, which takes less memory.",
    )
