"""Libraries that only some work needs: asked for where it begins, with the way to get one that is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.errors import EngineError

EXTRAS = {"peft": "finetune", "bitsandbytes": "quantize", "spellchecker": "measure"}
"""Module -> the optional extra of this package that brings it."""


def need(module: str, purpose: str) -> Any:
    """The module, imported. Raises `EngineError` where it cannot be, with the extra that brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        why = "not installed" if isinstance(error, ModuleNotFoundError) and error.name == module else "broken"
        raise EngineError(
            f"{purpose} takes the library {module}, which is {why}: pip install {module} (the extra {EXTRAS[module]})"
        ) from error
