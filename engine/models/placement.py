"""Which device and which precision a model gets."""

from __future__ import annotations

import gc
import platform
from typing import Any

import torch

from engine.errors import LoadError
from engine.models.estimate import HALF_PAYS_FROM, free_memory


def pick_device(wanted: str) -> torch.device:
    """The device for `auto` (CUDA, then MPS, then the CPU), `cpu`, `cuda`, `cuda:N` or `mps`; `LoadError` if absent."""
    if wanted == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(kind)
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise LoadError(f"device {wanted}: must be auto, cpu, cuda, cuda:N, mps or all") from None
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }.get(device.type, 0)
    if (device.index or 0) >= there:
        raise LoadError(f"device {wanted}: there is none on this machine; try --device auto")
    return device


def pick_dtype(wanted: str, device: torch.device, parameters: int) -> torch.dtype:
    """The weights' type. `auto` is half precision on a GPU where the model is large enough to gain from it.

    The CPU gets float32: float16 runs there at a crawl, and bfloat16 gains only on the newest processors.
    """
    if wanted != "auto":
        return getattr(torch, wanted)
    if device.type == "cpu" or parameters < HALF_PAYS_FROM:
        return torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16


def is_out_of_memory(error: BaseException) -> bool:
    """True for every way in which torch says that there is no room; on the CPU it is a plain RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and ("not enough memory" in str(error) or "out of memory" in str(error))


def machine(device: torch.device) -> dict[str, Any]:
    """What of the machine the last bits of a result depend on, beside the device's kind."""
    processor = torch.backends.cpu.get_cpu_capability()
    if device.type == "cuda":
        processor = torch.cuda.get_device_name(device)
    return {
        "processor": processor,
        "threads": torch.get_num_threads(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def memory_free(device: torch.device) -> int | None:
    """Bytes that new tensors can still take; None where the device does not tell."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return max(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(), 0)
    return free_memory() if device.type == "cpu" else None


def memory_used(device: torch.device) -> int:
    """Bytes in use: the GPUs' allocations, or this process's resident memory on the CPU."""
    if device.type == "cuda":
        return sum(map(torch.cuda.memory_allocated, range(torch.cuda.device_count())))
    if device.type == "mps":
        return torch.mps.current_allocated_memory()
    import psutil

    return int(psutil.Process().memory_info().rss)


def give_back() -> None:
    """Let the memory go that nothing holds any more: a network is full of circles, and CUDA keeps what was freed."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
