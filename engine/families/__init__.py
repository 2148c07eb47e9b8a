"""One file a family: how a prompt is prepared, which notes it earns, which loader it needs."""

from __future__ import annotations

from engine.errors import LoadError, shown
from engine.families.causal_lm import CausalLM, Family
from engine.families.ctrl import CTRL
from engine.families.gpt2 import GPT2
from engine.families.openai_gpt import OpenAIGPT
from engine.families.transfo_xl.family import TransfoXL
from engine.families.xlm import XLM
from engine.families.xlnet import XLNet

FAMILIES: dict[str, Family] = {
    family.name: family for family in (GPT2(), OpenAIGPT(), CTRL(), XLNet(), TransfoXL(), XLM(), CausalLM())
}

__all__ = ["FAMILIES", "Family", "family_for"]


def family_for(wanted: str, model_type: str) -> Family:
    """The family called `wanted`, or under `auto` the one of a checkpoint's `model_type`.

    Raises `LoadError` for an unknown family and for one that does not fit the checkpoint.
    """
    family = family_named(wanted)
    if family.name == "auto":
        return next((f for f in FAMILIES.values() if model_type in f.model_types), family)
    if model_type not in family.model_types:
        raise LoadError(f"model type {family.name}: this checkpoint is of type {model_type:.40}; leave it at auto")
    return family


def family_named(name: str) -> Family:
    """The family of this name, in any case; `LoadError` for an unknown one."""
    family = FAMILIES.get(name.lower())
    if family is None:
        raise LoadError(f"model type {shown(name)}: unknown; must be one of {', '.join(FAMILIES)}")
    return family
