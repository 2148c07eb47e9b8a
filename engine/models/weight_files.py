"""The files that hold a checkpoint's weights, and what their headers say without the weights being read."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.errors import LoadError
from engine.models.small_files import read_object

ADAPTER_CONFIG = "adapter_config.json"
_WHOLE = ("model.safetensors", "pytorch_model.bin")
_ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")
_FOREIGN = ("*.h5", "*.msgpack", "*.onnx", "*.ckpt", "*.pth", "*.pt", "*.ot", "*.npz")
# What the library keeps beside the weights and makes anew: masks, angles and places.
_BUFFERS = ("masked_bias", "rotary_emb.inv_freq", "position_ids")
_HEADS = ("lm_head.weight", "lm_loss.weight", "pred_layer.proj.weight", "embed_out.weight")
_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8", "U8": "uint8"}


@dataclass(frozen=True, slots=True)
class Weights:
    """How many parameters the headers name, and the type that most of them have."""

    parameters: int
    dtype: str


def weight_files(folder: Path) -> list[Path]:
    """The files that a folder's weights are read from, in the order in which the library looks for them.

    Raises `LoadError`, without the folder's name, where there are none or some of them are missing.
    """
    for name in _ADAPTER if (folder / ADAPTER_CONFIG).is_file() else _WHOLE:
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _shards(folder, index)
    others = sorted(path.name for pattern in _FOREIGN for path in folder.glob(pattern))
    if others:
        raise LoadError(f"no weights that can be read safely ({others[0]:.40}, but no model.safetensors)")
    raise LoadError("no weights (model.safetensors or pytorch_model.bin)")


def _shards(folder: Path, index: Path) -> list[Path]:
    mapped = read_object(index).get("weight_map")
    values = mapped.values() if isinstance(mapped, dict) else ()
    names = sorted({name for name in values if isinstance(name, str) and name == Path(name).name})
    if not names:
        raise LoadError(f"{index.name}: names no files")
    missing = sum(not (folder / name).is_file() for name in names)
    if missing:
        raise LoadError(f"half there: {missing} of {len(names)} files of its weights are missing")
    return [folder / name for name in names]


def read_headers(files: list[Path], *, tied: bool) -> Weights | None:
    """What safetensors files hold: parameters counted once, buffers left out. None for files that are none, or broken.

    Where the output is `tied` to the embedding, a file that holds both is counted without the output.
    """
    from safetensors import SafetensorError, safe_open

    shapes: dict[str, list[int]] = {}
    kinds: Counter[str] = Counter()
    try:
        for file in files:
            with safe_open(file, framework="np") as opened:
                for name in opened.keys():  # noqa: SIM118 - it is no mapping
                    part = opened.get_slice(name)
                    shape = part.get_shape()
                    if not _is_buffer(name, shape):
                        shapes[name] = shape
                        kinds[part.get_dtype()] += math.prod(shape)
    except (SafetensorError, OSError, ValueError):
        return None
    count = sum(map(math.prod, shapes.values()))
    for name, shape in shapes.items():
        if tied and name.endswith(_HEADS) and list(shapes.values()).count(shape) > 1:
            count -= math.prod(shape)
    common = kinds.most_common(1)[0][0] if kinds else ""
    return Weights(count, _TYPES.get(common, common.lower()))


def headers_are_whole(files: list[Path]) -> bool:
    """False for a safetensors file whose header cannot be read, or tells of more bytes than there are."""
    from safetensors import SafetensorError, safe_open

    try:
        for file in files:
            if file.suffix == ".safetensors":
                with safe_open(file, framework="np"):
                    pass
    except (SafetensorError, OSError, ValueError):
        return False
    return True


def _is_buffer(name: str, shape: list[int]) -> bool:
    return name.endswith(_BUFFERS) or (name.endswith(("attn.bias", "attention.bias")) and len(shape) == 4)
