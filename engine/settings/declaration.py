"""How a parameter is declared: a dataclass field with its declaration beside it."""

from __future__ import annotations

from dataclasses import field
from typing import Any

# What a key or a slider steps through, where even steps would be too many.
COUNTS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)
LENGTHS = (-1, 0, 1, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2000, 5000, 10000)


def declare(default: Any, **declaration: Any) -> Any:
    """A field with this default; `declaration` is what `Parameter` takes beside name and default."""
    return field(default=default, metadata={"declaration": declaration})


def declare_text(**declaration: Any) -> Any:
    """A text that is empty, and then off, unless one is given."""
    return declare("", kind="text", upstream="", off="", can_be_off=True, **declaration)
