"""Small LoRA adapters, made on the spot by peft itself."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from json import loads
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file

from engine.models.adapters import Adapters
from engine.models.loaded import LoadedModel
from engine.settings.adapters import written


def lora(
    folder: Path, model: LoadedModel, targets: list[str], *, seed: int = 0, size: float = 0.3, **config: Any
) -> Path:
    """An adapter for this model in a folder, as training leaves it, but with drawn matrices, so that it has a say."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        wrapped = get_peft_model(deepcopy(model.model), LoraConfig(**{"r": 4, "target_modules": targets} | config))
        for name, weight in wrapped.named_parameters():
            if "lora_" in name and "magnitude" not in name:
                torch.nn.init.normal_(weight, std=size)
        wrapped.save_pretrained(folder)
    return folder


def own(model: LoadedModel) -> LoadedModel:
    """The same model with weights that no other test sees."""
    return replace(model, model=deepcopy(model.model), adapters=Adapters(), drafting={}, caches={})


def named(*adapters: tuple[Path, float]) -> str:
    """The setting that names these folders."""
    return written((str(folder), scale) for folder, scale in adapters)


def attached(model: LoadedModel) -> set[str]:
    """What peft calls the adapters that are attached to a model."""
    return set(getattr(model.model, "peft_config", {}))


def merged(network: torch.nn.Module, *adapters: tuple[Path, float]) -> torch.nn.Module:
    """A copy of a bare network whose weights are W + the sum of scale * alpha / r * B A, worked out by hand."""
    copy = deepcopy(network)
    for folder, scale in adapters:
        config = loads((folder / "adapter_config.json").read_text())
        tensors = load_file(folder / "adapter_model.safetensors")
        for key, first in tensors.items():
            if not key.endswith("lora_A.weight"):
                continue
            path = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
            second = tensors[key.replace("lora_A", "lora_B")]
            change = scale * config["lora_alpha"] / config["r"] * second @ first
            weight = copy.get_submodule(path).weight
            with torch.no_grad():
                weight += change if weight.shape == change.shape and not _lies_across(copy, path) else change.T
    return copy


def _lies_across(model: torch.nn.Module, path: str) -> bool:
    """GPT-2's modules keep their weights as (in, out)."""
    return type(model.get_submodule(path)).__name__ == "Conv1D"
