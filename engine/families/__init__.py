"""One file a family: how a prompt is prepared, which notes it earns, which loader it needs."""

from __future__ import annotations

from engine.errors import LoadError
from engine.families.causal_lm import CausalLM, Family
from engine.families.gpt2 import GPT2

FAMILIES: dict[str, Family] = {family.name: family for family in (GPT2(), CausalLM())}

__all__ = ["FAMILIES", "Family", "family_for"]


def family_for(wanted: str, model_type: str) -> Family:
    """The family called `wanted` (any case), or under `auto` the one of a checkpoint's `model_type`.

    Raises `LoadError` for an unknown family and for one that does not fit the checkpoint.
    """
    wanted = wanted.lower()
    if wanted == "auto":
        return next((f for f in FAMILIES.values() if model_type in f.model_types), FAMILIES["auto"])
    family = FAMILIES.get(wanted)
    if family is None:
        raise LoadError(f"model type {wanted:.40}: unknown; must be one of {', '.join(FAMILIES)}")
    if model_type not in family.model_types:
        raise LoadError(f"model type {wanted}: this checkpoint is of type {model_type:.40}; leave it at auto")
    return family
