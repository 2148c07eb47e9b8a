"""What a text is drawn towards, and away from."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare, declare_text


@dataclass(frozen=True, kw_only=True)
class GuidanceSettings:
    """They cost a second pass for each token while the scale is not 1."""

    guidance_scale: float = declare(
        1.0,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        high=100,
        span=(0, 5),
        step=0.1,
        live=True,
        label="guidance",
        help="Above 1 moves the text away from what would come without the prompt, or after the negative prompt.",
        paper="Sanchez et al. 2023",
    )
    negative_prompt: str = declare_text(
        live=False,
        label="negative prompt",
        help="The prompt that guidance moves the text away from; where there is none, the prompt's last token alone.",
        paper="Sanchez et al. 2023",
    )
    negative_prompt_ids: tuple[int, ...] = declare(
        (),
        kind="ids",
        upstream=(),
        off=(),
        can_be_off=True,
        live=False,
        label="negative (ids)",
        help="The negative prompt as token ids; it goes before the one that is text.",
    )
    negative_prompt_attention_mask: tuple[int, ...] = declare(
        (),
        kind="ids",
        takes="a list of 0 and 1",
        upstream=(),
        off=(),
        can_be_off=True,
        live=False,
        label="negative (mask)",
        help="A 0 or 1 for each of the negative token ids: those at a 0 are left out, as padding is.",
    )
