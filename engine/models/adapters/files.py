"""An adapter's files: where they lie, what they say, and what tells them from others. Nothing of peft is needed here.

Whatever they hold is data: weights are safetensors, or a pickle read as plain data alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.errors import FileError, LoadError, one_line, shown
from engine.models.fingerprint import file_sum
from engine.settings.adapters import CONFIG
from engine.text_files import path_of, read_text, reason

WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_LARGEST_CONFIG = 1_000_000
# They say how an adapter came to be, or what else was done at the time: its matrices are the same.
_IDLE = frozenset(
    {
        *("auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "exclude_modules", "fan_in_fan_out"),
        *("inference_mode", "layers_pattern", "layers_to_transform", "lora_dropout", "megatron_config"),
        *("megatron_core", "peft_type", "peft_version", "qalora_group_size", "revision", "runtime_config"),
        *("target_modules", "task_type", "corda_config", "eva_config", "loftq_config", "lora_ga_config"),
    }
)
_TAKEN = frozenset({"r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "lora_bias"})
# What they stand for replaces weights of the model, or works in another way than by a product that is added.
_REFUSED = {
    "modules_to_save": "it brings whole modules of its own",
    "trainable_token_indices": "it brings embeddings of its own",
    "layer_replication": "it repeats layers of the model",
}
# These begin from a part that was taken out of the model's own weights.
_HARMLESS_STARTS = (True, False, None, "gaussian", "eva", "mica", "orthogonal")


@dataclass(frozen=True, slots=True)
class Files:
    """An adapter's folder, and its two files in it."""

    name: str
    folder: Path
    config: Path
    weights: Path

    def stamp(self) -> tuple[object, ...]:
        """Another one for files that were written anew."""
        facts = [path.stat() for path in (self.config, self.weights)]
        return (str(self.folder), *((fact.st_ino, fact.st_size, fact.st_mtime_ns) for fact in facts))

    def identity(self) -> dict[str, str]:
        """What a transcript says of it; the sums are SHA-256. Raises `OSError`."""
        sums = {"weights": file_sum(self.weights), "config": file_sum(self.config)}
        return {"name": self.name, "source": str(self.folder), **sums}


def find(name: str) -> Files:
    """The files that a name stands for: a folder, or a repository in the hub's cache. Raises `LoadError`.

    Nothing is fetched, since a run waits for it, and a record could ask for anything.
    """
    try:
        folder = path_of(name)
    except FileError as error:
        raise LoadError(f"adapter {error}") from error
    if not folder.is_dir():
        folder = _cached(name)
    if not (folder / CONFIG).is_file():
        whole = "; it is a whole model" if (folder / "config.json").is_file() else ""
        raise LoadError(f"adapter {shown(name)}: no {CONFIG} in this folder, so it holds no adapter{whole}")
    weights = next((folder / file for file in WEIGHTS if (folder / file).is_file()), None)
    if weights is None:
        raise LoadError(f"adapter {shown(name)}: no weights in its folder ({' or '.join(WEIGHTS)})")
    return Files(name, folder.resolve(), folder / CONFIG, weights)


def _cached(name: str) -> Path:
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, OSError, ValueError):
        way = f"; if it is one of the hub: textgen-tui models fetch {shown(name)}" if name.count("/") == 1 else ""
        raise LoadError(f"adapter {shown(name)}: no such folder, and not in the hub's cache{way}") from None


def read_config(files: Files) -> dict[str, Any]:
    """The config, where it asks for nothing but what can be put on and taken off again. Raises `LoadError`."""
    name = shown(files.name)
    try:
        config = json.loads(read_text(files.config, _LARGEST_CONFIG, name=CONFIG))
    except FileError as error:
        raise LoadError(f"adapter {name}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise LoadError(f"adapter {name}: its {CONFIG} is no JSON") from error
    wrong = _wrong(config)
    if wrong:
        raise LoadError(f"adapter {name}: {wrong}")
    return dict(config)


def _wrong(config: Any) -> str:
    """Why a config is refused; empty where it is not."""
    if not isinstance(config, dict):
        return f"its {CONFIG} is no object"
    kind = config.get("peft_type")
    if kind != "LORA":
        return f"it is of kind {shown(kind)}, and only LORA can be mixed and switched"
    for field, why in _REFUSED.items():
        if config.get(field):
            return f"{why} ({field}), which cannot be scaled or mixed"
    start = config.get("init_lora_weights", True)
    if start not in _HARMLESS_STARTS:
        return f"it goes with weights that its training changed (init_lora_weights {shown(start)}): convert it to LoRA"
    if config.get("bias", "none") != "none":
        return "it brings the model's own biases anew (bias), which cannot be scaled or mixed"
    odd = sorted(set(config) - _IDLE - _TAKEN - {"init_lora_weights", "bias"})
    odd = [field for field in odd if config[field]]
    if odd:
        return f"it needs {shown(odd[0])}, which is not known here"
    ranks, alphas = config.get("rank_pattern") or {}, config.get("alpha_pattern") or {}
    if not isinstance(ranks, dict) or not isinstance(alphas, dict):
        return f"the patterns in its {CONFIG} are no objects"
    if not all(_is_positive(rank) and isinstance(rank, int) for rank in (config.get("r", 8), *ranks.values())):
        return f"a rank in its {CONFIG} is no whole number above 0"
    if not all(_is_positive(alpha) for alpha in (config.get("lora_alpha", 8), *alphas.values())):
        return f"an alpha in its {CONFIG} is no number above 0"
    return ""


def read_weights(files: Files) -> dict[str, torch.Tensor]:
    """The tensors by their names, on the CPU. Raises `LoadError`."""
    name = shown(files.name)
    try:
        if files.weights.suffix == ".safetensors":
            return load_file(files.weights)
        tensors = torch.load(files.weights, map_location="cpu", weights_only=True)
    except OSError as error:
        raise LoadError(f"adapter {name}: its weights cannot be read: {reason(error)}") from error
    except SafetensorError as error:
        raise LoadError(f"adapter {name}: its weights file is broken or cut short ({one_line(error, 80)})") from error
    except Exception as error:  # torch raises whatever a broken pickle makes it
        raise LoadError(f"adapter {name}: its weights file is broken, or no plain data: nothing was run") from error
    if not isinstance(tensors, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise LoadError(f"adapter {name}: its weights file holds more than tensors")
    return {str(key): tensor for key, tensor in tensors.items()}


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
