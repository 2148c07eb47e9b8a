"""The names of the library that mean nothing to a model of this kind, or to this program.

They are taken, so that whatever names them runs, and a run says in one note that they have no effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.settings.declaration import declare, declare_text
from engine.settings.shapes import options

_SWITCH = {"kind": "bool", "upstream": False}
_DRAFTS = "drafts come from lookup, another model or early layers"
_OPTIONS = {"kind": "json", "shape": options, "takes": "an object", "can_be_off": True}


def _obsolete(default: Any, help: str, **declaration: Any) -> Any:
    return declare(default, live=False, inert=True, help=f"No effect here: {help}.", **declaration)


@dataclass(frozen=True, kw_only=True)
class ObsoleteSettings:
    """None of them changes anything."""

    pad_token_id: int | None = _obsolete(
        None,
        "sequences end where they end, and none is padded",
        label="padding token",
        kind="int",
        can_be_off=True,
        low=-1,
        high=10_000_000,
    )
    decoder_start_token_id: tuple[int, ...] = _obsolete(
        (),
        "there is no decoder apart from the model",
        label="decoder start",
        kind="ids",
        upstream=(),
        off=(),
        can_be_off=True,
    )
    is_assistant: bool = _obsolete(False, "a model that drafts is known by assistant_model", **_SWITCH)
    return_legacy_cache: bool = _obsolete(
        False, "the library has no such cache any more", label="legacy cache", **_SWITCH
    )
    synced_gpus: bool = _obsolete(False, "a run has one process", label="synced GPUs", **_SWITCH)
    compile_config: tuple[tuple[str, object], ...] | None = _obsolete(
        None, "passes are not compiled", label="compilation", **_OPTIONS
    )
    disable_compile: bool = _obsolete(False, "passes are not compiled", label="no compilation", **_SWITCH)
    continuous_batching_config: tuple[tuple[str, object], ...] | None = _obsolete(
        None, "a run has one prompt", label="batching", **_OPTIONS
    )
    use_mtp: bool = _obsolete(False, _DRAFTS, label="multi-token", **_SWITCH)
    speculation_type: str = declare_text(live=False, inert=True, help=f"No effect here: {_DRAFTS}.")
