"""What shapes the distribution that a token is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import COUNTS, declare
from engine.settings.names import DRAWING


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """Warpers: they act where tokens are drawn."""

    temperature: float = declare(
        1.0,
        kind="float",
        upstream=1.0,
        low=0,
        low_open=True,
        high=100,
        span=(0, 2),
        step=0.05,
        under=DRAWING,
        live=True,
        help="Below 1 sharpens the distribution towards the likeliest tokens, above 1 flattens it. Logits / T.",
        paper="Ackley, Hinton & Sejnowski 1985",
    )
    top_k: int = declare(
        0,
        kind="int",
        upstream=50,
        off=0,
        can_be_off=True,
        low=0,
        high=1_000_000,
        span=(0, 100),
        ladder=COUNTS,
        flags=("--k",),
        under=(*DRAWING, "contrastive"),
        live=True,
        label="top-k",
        help="Only the k likeliest tokens can be drawn.",
        paper="Fan, Lewis & Dauphin 2018",
    )
    top_p: float = declare(
        0.9,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        high=1,
        span=(0, 1),
        step=0.05,
        flags=("--p",),
        under=DRAWING,
        live=True,
        label="top-p",
        help="Only the smallest set of likeliest tokens whose probabilities reach p can be drawn (nucleus).",
        paper="Holtzman et al. 2020",
    )
    min_p: float = declare(
        0.0,
        kind="float",
        upstream=0.0,
        off=0.0,
        can_be_off=True,
        low=0,
        high=1,
        span=(0, 0.5),
        step=0.01,
        under=DRAWING,
        live=True,
        label="min-p",
        help="Drops the tokens whose probability is below this share of the likeliest one's.",
        paper="Nguyen et al. 2024",
    )
    typical_p: float = declare(
        1.0,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        low_open=True,
        high=1,
        span=(0, 1),
        step=0.05,
        under=DRAWING,
        live=True,
        label="typical-p",
        help="Keeps the tokens whose surprisal is nearest to the entropy, until their probabilities reach this.",
        paper="Meister et al. 2023",
    )
    epsilon_cutoff: float = declare(
        0.0,
        kind="float",
        upstream=0.0,
        off=0.0,
        can_be_off=True,
        low=0,
        high=0.999999,
        span=(0, 0.01),
        step=0.0005,
        under=DRAWING,
        live=True,
        help="Drops the tokens whose probability is below this; 0.0003 to 0.0009 are usual.",
        paper="Hewitt, Manning & Liang 2022",
    )
    eta_cutoff: float = declare(
        0.0,
        kind="float",
        upstream=0.0,
        off=0.0,
        can_be_off=True,
        low=0,
        high=0.999999,
        span=(0, 0.01),
        step=0.0005,
        under=DRAWING,
        live=True,
        help="As epsilon cutoff, with a threshold that falls as the entropy rises; 0.0003 to 0.002 are usual.",
        paper="Hewitt, Manning & Liang 2022",
    )
    top_h: float | None = declare(
        None,
        kind="float",
        can_be_off=True,
        low=0,
        low_open=True,
        high=1,
        step=0.05,
        under=DRAWING,
        live=True,
        label="top-h",
        help="Keeps the likeliest tokens while their entropy stays below this share of the whole distribution's.",
        paper="Potraghloo et al. 2025",
    )
    remove_invalid_values: bool = declare(
        False,
        kind="bool",
        upstream=False,
        live=True,
        label="mend bad numbers",
        help="Replaces scores that are no numbers or infinite, where a model gives such.",
    )
    renormalize_logits: bool = declare(
        False,
        kind="bool",
        upstream=False,
        live=True,
        label="renormalize",
        help="Makes log-probabilities of the scores after all stages; beams then compare like with like.",
    )
