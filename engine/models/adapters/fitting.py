"""Whether an adapter's matrices fit a model: each has a module of the right width to be added to, and is as its
config says. What does not fit is refused before anything is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from engine.errors import LoadError, shown

_PREFIX = "base_model.model."
_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>A|B|embedding_A|embedding_B|magnitude_vector)(\.weight|\.bias)?")


class Fitted(NamedTuple):
    """The tensors by the names that peft has for them, the modules that they are for, and their highest rank."""

    tensors: dict[str, torch.Tensor]
    modules: list[str]
    rank: int


def fitted(name: str, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], model: nn.Module) -> Fitted:
    """The adapter called `name`, checked. Raises `LoadError` that says what does not fit."""
    modules = dict(model.named_modules())
    named: dict[str, torch.Tensor] = {}
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        own = key.removeprefix(_PREFIX)
        match = _KEY.fullmatch(own)
        if match is None and _is_the_model_s(own, tensor, modules):  # peft saves what it adds to in the vocabulary
            continue
        if match is None:
            raise LoadError(f"adapter {shown(name)}: it brings {shown(own)}, which is no part of a LoRA")
        path = match["module"]
        if path not in modules:
            raise LoadError(f"adapter {shown(name)}: it is for another model: there is no {shown(path)} in this one")
        named[_PREFIX + own] = tensor
        if not own.endswith(".bias"):
            found.setdefault(path, {})[match["part"]] = tensor
    if not found:
        raise LoadError(f"adapter {shown(name)}: its weights file holds no LoRA")
    for path, parts in found.items():
        wrong = _wrong(parts, _base(modules[path]))
        if wrong:
            raise LoadError(f"adapter {shown(name)}: it does not fit this model: {shown(path)} {wrong}")
    rank = max(_rank(parts) for parts in found.values())
    said = [config.get("r", 8), *(config.get("rank_pattern") or {}).values()]
    alone = len(said) == 1 and any(_rank(parts) != said[0] for parts in found.values())
    if alone or max(said[1:], default=0) > rank:  # peft would make room for it, whatever the file holds
        raise LoadError(f"adapter {shown(name)}: its config says rank {max(said)}, its weights {rank}")
    _check_whole(name, config, found)
    return Fitted(named, sorted(found), rank)


def _check_whole(name: str, config: Mapping[str, Any], found: Mapping[str, object]) -> None:
    """A module that the config lists and that has no matrices is one that the file has lost."""
    targets = config.get("target_modules")
    for target in targets if isinstance(targets, list) else ():
        if not any(path == target or path.endswith(f".{target}") for path in found):
            raise LoadError(f"adapter {shown(name)}: no weights for {shown(target)}, which its config lists")


def _wrong(parts: Mapping[str, torch.Tensor], module: nn.Module) -> str:
    """Why these matrices cannot be added to the module's; empty where they can."""
    widths = _widths(module)
    if widths is None:
        return f"is a {type(module).__name__}, and no LoRA is added to such"
    embedded = isinstance(module, nn.Embedding)
    first, second = ("embedding_A", "embedding_B") if embedded else ("A", "B")
    if not {first, second} <= parts.keys() <= {first, second, "magnitude_vector"}:
        return "lacks one of its two matrices"
    before, after = parts[first].shape, parts[second].shape
    if len(before) != 2 or len(after) != 2 or before[0] != after[1] or not before[0]:
        return f"has matrices of {tuple(before)} and {tuple(after)}, which have no rank in common"
    if (before[1], after[0]) != widths:
        return f"goes from {widths[0]} to {widths[1]}, the adapter from {before[1]} to {after[0]}"
    return ""


def _widths(module: nn.Module) -> tuple[int, int] | None:
    """What goes into a module and what comes out."""
    if isinstance(module, nn.Embedding):
        return module.num_embeddings, module.embedding_dim
    if isinstance(module, Conv1D):
        return int(module.weight.shape[0]), int(module.weight.shape[1])
    if isinstance(module, nn.Linear):  # the quantized ones are of this class too
        return module.in_features, module.out_features
    return None


def _is_the_model_s(key: str, tensor: torch.Tensor, modules: Mapping[str, nn.Module]) -> bool:
    """Whether this is a weight that the model has already, just so."""
    module = modules.get(key.removesuffix(".weight").removesuffix(".base_layer"))
    weight = getattr(_base(module), "weight", None) if module is not None else None
    if not isinstance(weight, torch.Tensor) or weight.shape != tensor.shape:
        return False
    own, other = weight.detach().cpu(), tensor
    return torch.equal(own.to(other.dtype), other) or torch.equal(own, other.to(own.dtype))


def _base(module: nn.Module) -> nn.Module:
    """The model's own module, where an adapter is attached to it already."""
    inner = getattr(module, "base_layer", None)
    return inner if isinstance(inner, nn.Module) else module


def _rank(parts: Mapping[str, torch.Tensor]) -> int:
    return int((parts["embedding_A"] if "embedding_A" in parts else parts["A"]).shape[0])
