"""A .gguf file as an ordinary checkpoint folder.

transformers reads one in ten seconds and more, most of it spent on metadata, so the result is kept in the user's cache
folder and read from there the next time.
"""

from __future__ import annotations

import copy
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def kept_folder(file: Path) -> Path:
    """Where the checkpoint made from `file` is kept: named by the file's path, size and time of change."""
    facts = file.stat()
    key = hashlib.sha256(f"{file.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}".encode()).hexdigest()[:16]
    return user_cache_path("textgen-tui") / "gguf" / f"{file.stem}-{key}"


def keep(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Save a model read from a .gguf file; without the room or the right to write it is read anew the next time."""
    unfinished = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        if shutil.disk_usage(unfinished).free < 4 * model.get_memory_footprint():
            raise OSError("little room left on the disk")
        _save_dequantized(model, unfinished)
        tokenizer.save_pretrained(unfinished)
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)


def _save_dequantized(model: PreTrainedModel, folder: Path) -> None:
    """As `save_pretrained`, which refuses: the model still counts as quantized though its weights no longer are."""
    from safetensors.torch import save_file

    tied = set(model.all_tied_weights_keys)
    weights = {name: weight.contiguous() for name, weight in model.state_dict().items() if name not in tied}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = copy.deepcopy(model.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
