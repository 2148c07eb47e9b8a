"""A mark in the text that a reader does not see and a detector finds."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.shapes import watermark


@dataclass(frozen=True, kw_only=True)
class WatermarkSettings:
    """It acts under every strategy; the more the model hesitates, the more of it there is."""

    watermarking_config: tuple[float, float, int, str, int] | None = declare(
        None,
        kind="json",
        shape=watermark,
        takes="on, or an object with any of greenlist_ratio, bias, hashing_key, seeding_scheme, context_width",
        can_be_off=True,
        live=True,
        label="watermark",
        help="Makes a share of the tokens, chosen by the one before, likelier: a detector that knows the key finds it.",
        paper="Kirchenbauer et al. 2023",
    )
