"""Whether there is room to train, before any of it is taken: in memory and on the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from engine.errors import EngineError
from engine.models.hub import cached
from engine.models.resolve import resolve
from engine.text_files import shown_path

if TYPE_CHECKING:
    from engine.finetune.job import Job
    from engine.models.loaded import LoadedModel

_PER_LEARNING_WEIGHT = 12
"""Bytes: a gradient and the two moments of AdamW, in float32."""
_SHARE = 0.7  # of what is free: others need some, and an estimate is one


def check_memory(job: Job, device: torch.device) -> None:
    """Raises `EngineError` where a model that lies here already is larger than can be loaded and trained."""
    parameters = _parameters(job.model)
    needed = parameters * (4 if job.lora else 4 + _PER_LEARNING_WEIGHT)
    free = free_memory(device)
    if needed > free:
        raise _no_room(device, needed, free)


def _parameters(name: str | None) -> int:
    """How many weights a model has, by its config; 0 where that cannot be told before it is loaded."""
    source = resolve(name)
    folder = source.place if source.kind == "folder" else cached(source.place) if source.kind == "hub" else None
    if folder is None:
        return 0
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        with torch.device("meta"):
            return int(AutoModelForCausalLM.from_config(config, trust_remote_code=False).num_parameters())
    except Exception:  # what is wrong with it is said when it is loaded
        return 0


def free_memory(device: torch.device) -> int:
    """Bytes that are free where the model lies."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    return int(psutil.virtual_memory().available)


def block_bytes(model: LoadedModel, size: int) -> int:
    """About how many bytes a block of `size` tokens takes on its way there and back: activations and logits."""
    config = model.model.config.get_text_config(decoder=True)
    layers, width = (getattr(config, name, None) or 1 for name in ("num_hidden_layers", "hidden_size"))
    heads = getattr(config, "num_attention_heads", None) or 1
    a_token = 4 * (34 * layers * width + 3 * layers * heads * size + 4 * model.vocabulary_size)
    return int(a_token) * size


def blocks_at_once(model: LoadedModel, size: int, batch: int, trainable: int, wanted: int | None) -> int:
    """How many blocks of a batch go through together: a divisor of the batch. Raises `EngineError` without room."""
    free = free_memory(model.device) * _SHARE - trainable * _PER_LEARNING_WEIGHT
    one = block_bytes(model, size)
    if free < one:
        needed = (trainable * _PER_LEARNING_WEIGHT + one) / _SHARE
        raise _no_room(model.device, needed, free_memory(model.device))
    most = min(wanted or int(free // one), batch)
    return max(count for count in range(1, most + 1) if batch % count == 0)


def _no_room(device: torch.device, needed: float, free: float) -> EngineError:
    return EngineError(
        f"no room on {device}: training takes about {needed / 1e9:.2g} GB, and {free / 1e9:.2g} GB are free; "
        "try --lora, a smaller --block_size or a smaller model"
    )


def check_disk(folder: Path, weights: int, trainable: int) -> None:
    """Raises `EngineError` where the disk has no room for two checkpoints, the best weights and the next of each.

    `weights` are those that are saved, in float32; the optimizer keeps two numbers for each that learns.
    """
    needed = 3 * (4 * weights + 8 * trainable) + 2 * 4 * weights
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EngineError(
            f"{shown_path(folder)}: {free / 1e9:.2g} GB are free on this disk, and the checkpoints of this run take "
            f"about {needed / 1e9:.2g} GB; free some, name another place with --out, or try --lora"
        )


def check_writable(folder: Path) -> None:
    """Raises `EngineError` where nothing can be written into a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise EngineError(f"{shown_path(folder)}: cannot be written: {error.strerror or error}") from error
