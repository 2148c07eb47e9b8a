"""What the models' screen says of one: what it is, what it takes in memory, and whether that has room."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from engine.errors import one_line
from engine.quantities import bytes_text, count_text
from engine.safe_text import safe_text
from tui.model_list_actions import MODELS
from tui.widgets.model_list import Row

if TYPE_CHECKING:
    from engine.models.catalogue import Entry
    from engine.models.details import Details
    from engine.models.estimate import Estimate

_LABEL = 11
_QUIET = "$foreground 62%"


@dataclass(frozen=True, slots=True)
class Told:
    """What was found out about an entry; `problem` says why the rest could not be."""

    entry: Entry
    details: Details | None = None
    estimate: Estimate | None = None
    problem: str = ""


def read(entry: Entry, device: str, dtype: str) -> Told:
    """Find out; for a thread, since files are read, and for one of the hub the hub is asked."""
    from engine.models.catalogue import details
    from engine.models.estimate import estimate

    try:
        found = details(entry)
        if entry.kind == "adapter":
            return Told(entry, found)
        place, free = _place(device)
        return Told(entry, found, estimate(found, dtype, device=place, free_bytes=free))
    except Exception as error:  # they are files from anywhere
        return Told(entry, problem=one_line(error))


def devices() -> tuple[str, ...]:
    """What `--device` may be on this machine, as far as is known before torch is there."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda"):
        return ("auto", "cpu")
    cuda = tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    cuda = ("all", *cuda) if len(cuda) > 1 else cuda
    return ("auto", *cuda, *(("mps",) if torch.backends.mps.is_available() else ()), "cpu")


def shown(row: Row | None, told: Told | None, device: str, dtype: str) -> Content:
    """All that is to be said of a row; names and licences are untrusted."""
    if row is None:
        return Content("")
    if row.entry is None:
        return Content(_AS_TYPED[row.what])
    entry = row.entry
    name = Path(entry.name).name if entry.name.startswith("/") else entry.name
    lines = [Content.styled(safe_text(name), "bold")]
    if entry.problem:
        lines.append(Content.styled(f"✗ {safe_text(entry.problem)}", "$text-error"))
    if told is None:
        return Content("\n").join([*lines, Content.styled("Reading…", _QUIET)])
    if told.problem:
        lines.append(Content.styled(f"✗ {safe_text(told.problem)}", "$text-error"))
    if told.estimate is not None:
        lines += _room(told.estimate, device, dtype)
    lines += [_fact(label, value) for label, value in _facts(entry, told) if value]
    if entry.kind == "hub" and not entry.problem:
        lines.append(
            Content.styled(f"\n{MODELS['models_take'].shown_key} fetches it; the session goes on.", "$primary")
        )
    if entry.kind == "adapter":
        take = MODELS["models_take"].shown_key
        lines.append(Content.styled(f"\n{take} puts it over the loaded model, or takes it off.", "$primary"))
    return Content("\n").join(lines)


_AS_TYPED = {
    "open": "A folder with a checkpoint, a .gguf file, or a repository of the hub: loaded by its name, and fetched "
    "first where it is not on this machine.",
    "search": "Asks the hub for models that write text, those that are fetched most first. Nothing is sent before.",
}


def _facts(entry: Entry, told: Told) -> list[tuple[str, str]]:
    if (known := told.details) is None:
        return [("place", str(entry.path or "the hub"))]
    shape = known.shape
    sizes = [f"{shape.layers} layers" if shape.layers else "", f"width {shape.width}" if shape.width else ""]
    kind = f"{known.model_type}{'' if known.family in ('auto', known.model_type) else f' ({known.family})'}"
    parameters = count_text(known.parameters) if known.parameters else ""
    return [
        ("family", kind if entry.kind != "adapter" else "LoRA adapter"),
        ("for", known.base),
        ("parameters", " · ".join(part for part in (parameters, *sizes) if part)),
        ("positions", f"{shape.positions:,}" if shape.positions else ""),
        ("tokens", f"{shape.vocabulary:,}" if shape.vocabulary else ""),
        (
            "files",
            " · ".join(
                part for part in (bytes_text(known.size_bytes) if known.size_bytes else "", known.dtype) if part
            ),
        ),
        ("chat", "has a chat template" if known.chat_template else ""),
        ("licence", known.licence or "not told"),
        ("place", str(entry.path or "the hub")),
    ]


def _room(found: Estimate, device: str, dtype: str) -> list[Content]:
    turns = {key: f"  {MODELS.key(key)} turns" for key in ("models_precision", "models_device")}
    style, sign = ("$text-success", "✓") if found.fits else ("$text-warning", "!")
    return [
        Content.styled(f"{sign} {safe_text(found.text)}", style),
        _fact("precision", dtype) + Content.styled(turns["models_precision"], _QUIET),
        _fact("device", device) + Content.styled(turns["models_device"], _QUIET),
    ]


def _fact(label: str, value: str) -> Content:
    return Content.assemble((f"{label:<{_LABEL}}", _QUIET), safe_text(value))


def _place(device: str) -> tuple[str, int | None]:
    """The device that is meant, as far as is known, and what is free there; the CPU before torch is there."""
    if "torch" not in sys.modules or "engine.models.placement" not in sys.modules:
        return "cpu", None
    from engine.models.placement import memory_free
    from engine.models.spread import pick_place

    place = pick_place(device).device
    return str(place), memory_free(place)
