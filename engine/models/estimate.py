"""The memory that a model will take, against what is free: told before it is loaded.

Counted are the weights and what is kept of a text; not what a pass needs beside them (a few tensors as long as what it
reads, and the logits), nor what the libraries themselves take.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import LoadError, shown
from engine.models.details import Details
from engine.models.dtypes import QUANTIZED
from engine.models.shape import Shape
from engine.quantities import bytes_text

HALF_PAYS_FROM = 200_000_000
"""Below this many parameters a step is bound by launching kernels, not by reading weights: halving gains nothing."""
_BYTES = {"float64": 8.0, "float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "int8": 1.0, "8bit": 1.0, "4bit": 0.5}
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes of the weights, of what is kept of a text for each token and at the length in question, and what is free.

    `cache_bytes` is for `length` tokens, the model's positions if no length was asked for; `tokens` counts those that
    there is room for beside the weights, at most `length`. `fits` says that weights and cache have room; what is not
    known (None) is taken to fit. `text` is one line for a person.
    """

    weights_bytes: int
    cache_bytes_per_token: int | None
    cache_bytes: int | None
    free_bytes: int | None
    length: int | None
    tokens: int | None
    fits: bool
    text: str


def estimate(
    details: Details,
    dtype: str = "auto",
    *,
    device: str = "cpu",
    free_bytes: int | None = None,
    length: int | None = None,
    sequences: int = 1,
) -> Estimate:
    """What a model of these details takes in a precision (as `--dtype` names it) on a device.

    `free_bytes` is what the device has free, to be told by whoever knows it; on the CPU it is looked up. `sequences`
    that are written at once each keep a text of their own.
    """
    if free_bytes is None and device.startswith("cpu"):
        free_bytes = free_memory()
    precision = dtype if dtype in _BYTES else precision_for(device, details.parameters or 0)
    number = (2.0 if precision in QUANTIZED else _BYTES[precision]) * sequences
    shape, weights = details.shape, _weights(details, precision)
    length = length or shape.positions
    one, two, all_ = shape.kept(1), shape.kept(2), shape.kept(length) if length else shape.kept(0)
    cache = None if all_ is None else int(all_ * number)
    fits = free_bytes is None or weights + (cache or 0) <= free_bytes
    found = Estimate(
        weights,
        None if one is None or two is None else int((two - one) * number),
        cache,
        free_bytes,
        length,
        length if fits else _room(shape, (free_bytes or 0) - weights, number, length),
        fits,
        "",
    )
    return replace(found, text=_text(found, precision, details.parameters is not None))


def checked_dtype(wanted: str) -> str:
    """A precision as `--dtype` takes it. Raises `LoadError` for any other word."""
    if wanted not in ("auto", *_BYTES):
        raise LoadError(f"dtype {shown(wanted)}: must be one of auto, {', '.join(_BYTES)}")
    return wanted


def precision_for(device: str, parameters: int) -> str:
    """What `auto` stands for: half precision on a GPU where the model is large enough to gain from it."""
    return "float32" if device.startswith("cpu") or parameters < HALF_PAYS_FROM else "float16"


def check_room(weights_bytes: int, free_bytes: int | None, where: str) -> None:
    """Raises `LoadError` for weights that surely have no room."""
    if free_bytes is not None and weights_bytes > free_bytes:
        raise LoadError(
            f"no room: its weights take {bytes_text(weights_bytes)} and {where} has {bytes_text(free_bytes)} free; "
            "try a smaller model, half precision (--dtype bfloat16) or another device"
        )


def free_memory() -> int:
    """Bytes that a process can still take: what is available without swap, and no more than its container may."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        most = int((_CGROUP / "memory.max").read_text())  # "max" where there is no limit
        facts = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        used = int((_CGROUP / "memory.current").read_text()) - int(facts.get("inactive_file", 0))
        free = min(free, max(most - used, 0))
    return free


def _weights(details: Details, precision: str) -> int:
    """Exact where the parameters are known; else from the size of the files and the type that is in them."""
    parameters = details.parameters
    if parameters is None:
        parameters = int(details.size_bytes / _BYTES.get(details.dtype, 4.0))
    shape = details.shape
    embedded = (shape.vocabulary or 0) * (shape.width or 0) if precision in QUANTIZED else 0
    embedded = min(embedded, parameters)  # it stays in half precision
    return int((parameters - embedded) * _BYTES[precision] + embedded * 2)


def _room(shape: Shape, free_bytes: int, number: float, length: int | None) -> int | None:
    """The longest text whose cache has room; None where the config does not tell what is kept of one."""
    if length is None or shape.row is None:
        return 0 if free_bytes < 0 else None
    low, high = 0, length
    while low < high:
        middle = (low + high + 1) // 2
        fits = (shape.kept(middle) or 0) * number <= free_bytes
        low, high = (middle, high) if fits else (low, middle - 1)
    return low if free_bytes > 0 else 0


def _text(found: Estimate, precision: str, exact: bool) -> str:
    about = "" if exact else "about "
    parts = [f"weights {about}{bytes_text(found.weights_bytes)} in {precision}"]
    if found.cache_bytes is not None and found.length and found.cache_bytes_per_token:
        each = f"{bytes_text(found.cache_bytes_per_token)} a token"
        parts.append(f"cache {bytes_text(found.cache_bytes)} at {found.length:,} tokens ({each})")
    elif found.cache_bytes_per_token:
        parts.append(f"cache {bytes_text(found.cache_bytes_per_token)} a token")
    elif found.cache_bytes:
        parts.append(f"memory {bytes_text(found.cache_bytes)} for a text of any length")
    elif found.cache_bytes_per_token == 0:
        parts.append("no cache")
    if found.free_bytes is None:
        return "; ".join(parts)
    free = f"{bytes_text(found.free_bytes)} free"
    if found.weights_bytes > found.free_bytes:
        return "; ".join([*parts, f"{free}: no room for the weights"])
    if not found.fits:
        return "; ".join([*parts, f"{free}: room for {found.tokens or 0:,} tokens"])
    return "; ".join([*parts, free])
