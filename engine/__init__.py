"""textgen-tui's engine: prompts to tokens, one event at a time. No terminal and no thread in it.

Importing it loads no torch; `load` and `generate` do when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.controls import Controls
from engine.errors import EngineError, LoadError, PromptError, SettingError, TranscriptError
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.generation import generate
    from engine.models.load import load
    from engine.models.loaded import LoadedModel

__all__ = [
    "Controls",
    "EngineError",
    "LoadError",
    "LoadedModel",
    "PromptError",
    "SettingError",
    "Settings",
    "TranscriptError",
    "generate",
    "load",
]

_LAZY = {"load": "engine.models.load", "generate": "engine.generation", "LoadedModel": "engine.models.loaded"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
