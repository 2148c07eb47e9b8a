"""One model over several GPUs: when, and how much each may take. accelerate decides which layers go where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from engine.errors import LoadError
from engine.models.placement import pick_device

ALL = "all"
_SHARE = 0.9  # of what is free on a GPU: the cache and what a pass computes want room too


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model's inputs go, and whether its weights are spread over all GPUs."""

    device: torch.device
    spread: Literal["never", "where needed", "always"] = "never"


def pick_place(wanted: str) -> Place:
    """The place for a device by name, `auto`, or `all` for all GPUs. Raises `LoadError` if it is absent."""
    if wanted == ALL:
        if not torch.cuda.is_available():
            raise LoadError("device all: there is no GPU on this machine; try --device auto")
        return Place(torch.device("cuda", 0), "always")
    return Place(pick_device(wanted), "where needed" if wanted == "auto" else "never")


def device_map(place: Place, needed: int) -> dict[str, Any]:
    """What `from_pretrained` takes to put so many bytes of weights there; empty for the CPU.

    Raises `LoadError` where they are to be spread and all GPUs together have no room for them.
    """
    if place.device.type == "cpu":
        return {}
    alone = {"device_map": {"": place.device}}
    if place.device.type != "cuda" or place.spread == "never" or torch.cuda.device_count() < 2:
        return alone
    room = {number: int(_SHARE * torch.cuda.mem_get_info(number)[0]) for number in range(torch.cuda.device_count())}
    if place.spread == "where needed" and needed <= room[place.device.index or 0]:
        return alone
    if needed > sum(room.values()):
        told = f"{needed / 1e9:.1f} GB of weights, and {sum(room.values()) / 1e9:.1f} GB free on {len(room)} GPUs"
        raise LoadError(f"no room: {told}; try a smaller model, or fewer bits")
    return {"device_map": "auto", "max_memory": room}
