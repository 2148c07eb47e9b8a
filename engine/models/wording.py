"""Models as lines of text: a table of many, and all about one. Everything in them is made safe."""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine.models.details import Details
from engine.models.entry import Entry
from engine.models.estimate import Estimate
from engine.quantities import bytes_text, count_text
from engine.safe_text import safe_text

_HEAD = ("model", "kind", "family", "size", "last used", "")
_WIDEST = 60


def table(found: Sequence[Entry]) -> list[str]:
    """A head and a line for each model, in columns."""
    rows = [_HEAD, *(_row(entry) for entry in found)]
    widths = [min(max(len(row[column]) for row in rows), _WIDEST) for column in range(len(_HEAD))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def described(entry: Entry, known: Details, room: Estimate) -> list[str]:
    """What is known of one model, a fact a line; what is not known has none."""
    shape = known.shape
    layers = (shape.layers, shape.kv_heads, shape.head_dim)
    facts = {
        "model": entry.name,
        "kind": entry.kind,
        "place": str(entry.path) if entry.path else "",
        "problem": entry.problem,
        "adapter for": known.base if entry.kind == "adapter" else "",
        "type": known.model_type,
        "family": known.family if known.model_type else "",
        "parameters": f"{known.parameters:,} ({count_text(known.parameters)})" if known.parameters else "",
        "size": f"{bytes_text(known.size_bytes)}{f' in {known.dtype}' if known.dtype else ''}",
        "positions": f"{shape.positions:,}" if shape.positions else "",
        "vocabulary": f"{shape.vocabulary:,}" if shape.vocabulary else "",
        "layers": f"{layers[0]}, each of {layers[1]} heads for keys and values, {layers[2]} wide"
        if all(layers)
        else "",
        "chat template": "yes" if known.chat_template else "no",
        "licence": known.licence or "none named",
        "last used": _date(entry.last_used),
        "memory": room.text if entry.kind != "adapter" else "",
    }
    return [f"{name:<13} {safe_text(text)}" for name, text in facts.items() if text]


def _row(entry: Entry) -> tuple[str, ...]:
    size = bytes_text(entry.size_bytes) if entry.size_bytes else ""
    name = safe_text(entry.name)
    name = name if len(name) <= _WIDEST else "…" + name[1 - _WIDEST :]
    return (name, entry.kind, safe_text(entry.family), size, _date(entry.last_used), safe_text(entry.problem))


def _date(when: float | None) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(when)) if when is not None and 0 <= when < 2**33 else ""
