"""Guidance as the settings ask for it: the runner of a run, its scale at a step, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine import chat, remembering, window
from engine.errors import SettingError
from engine.events import Begun, Note
from engine.settings import Settings, contradictions

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel
    from engine.runner.guided import GuidedRunner


def runner(model: LoadedModel, settings: Settings) -> GuidedRunner:
    """A run's runner, which guides as soon as its scale is not 1. Raises `SettingError`, `PromptError`."""
    from engine.runner.guided import GuidedRunner

    negative = negative_ids(model, settings)
    size = model.vocabulary_size
    if any(token_id >= size for token_id in negative):
        raise SettingError(f"negative_prompt_ids: must be token ids within the model's vocabulary of {size}")
    reach = window.reach(settings, model.positions)
    head = model.family.head(model, negative) if negative else 0
    sliding = window.Window(reach, head) if reach is not None and reach > 1 else None
    made = GuidedRunner(
        remembering.runner(model, settings), lambda: remembering.runner(model, settings, second=True), negative, sliding
    )
    made.scale = settings.guidance_scale
    return made


def negative_ids(model: LoadedModel, settings: Settings) -> Sequence[int]:
    """The beginning to move away from, prepared as a prompt is; empty for the prompt's last token."""
    ids, mask = settings.negative_prompt_ids, settings.negative_prompt_attention_mask
    if ids and mask:
        if len(mask) != len(ids):
            raise SettingError(
                f"negative_prompt_attention_mask: must have a 0 or 1 for each of the {len(ids)} negative_prompt_ids"
            )
        return [token_id for token_id, seen in zip(ids, mask, strict=True) if seen]
    if ids or not settings.negative_prompt:
        return ids
    return chat.prepare(model, Begun(settings.negative_prompt), settings)[0].ids


def notes(settings: Settings) -> tuple[Note, ...]:
    """Says that a negative prompt does nothing without a scale."""
    return tuple(
        Note("warning", "no-guidance", f"{text}.") for text in contradictions.without_guidance(settings).values()
    )
