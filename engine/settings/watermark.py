"""A mark in the text that a reader does not see and a detector finds."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.shapes import Watermark, watermark


@dataclass(frozen=True, kw_only=True)
class WatermarkSettings:
    """It acts under every strategy; the more the model hesitates, the more of it there is."""

    watermarking_config: Watermark | None = declare(  # noqa: RUF009
        None,
        kind="json",
        shape=watermark,
        takes="on, or an object with any of greenlist_ratio, bias, hashing_key, seeding_scheme, context_width; "
        "for SynthID one with ngram_len and keys",
        can_be_off=True,
        live=True,
        label="watermark",
        help="Makes tokens that a key and the text before choose likelier: a detector that knows the key finds it.",
        paper="Kirchenbauer et al. 2023; SynthID: Dathathri et al. 2024",
    )
