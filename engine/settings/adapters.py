"""The adapters that are added to the model's weights, each with a scale."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from engine.settings.declaration import declare_text

Named = tuple[str, float]
"""An adapter's name with its scale."""

CONFIG = "adapter_config.json"
"""The file that makes a folder an adapter's."""
MOST = 8
"""Adapters at once."""
LARGEST = 100
"""A scale, above 0 or below it."""
_PART = re.compile(r"\s*(?:'((?:[^']|'')+)'|([^\s',=][^,=]*?))\s*(?:=\s*([^\s,=']+)\s*)?(?:,|$)")


def parts(text: str) -> tuple[Named, ...]:
    """The adapters that a text names, in its order; none where it is empty. Raises `ValueError`.

    A name with a comma or an equals sign in it stands between single quotes, and a quote within them is doubled.
    """
    found: dict[str, float] = {}
    at = 0
    while text[at:].strip():
        part = _PART.match(text, at)
        if part is None:
            raise ValueError("must be names with scales: poems=0.8, 'a, b'=0.3")
        quoted, bare, scale = part.groups()
        name = bare if quoted is None else quoted.replace("''", "'")
        if name in found:
            raise ValueError(f"{name:.40} is named twice")
        found[name], at = _scale(name, scale), part.end()
    if len(found) > MOST:
        raise ValueError(f"{len(found)} adapters: at most {MOST} are mixed")
    return tuple(found.items())


def names(text: str) -> list[str]:
    """Those that a text names. Raises `ValueError`."""
    return [name for name, _ in parts(text)]


def written(named: Iterable[Named]) -> str:
    """The text that `parts` reads so."""
    return ", ".join(_name(name) + ("" if scale == 1 else f"={scale!r}") for name, scale in named)


def _scale(name: str, text: str | None) -> float:
    try:
        scale = 1.0 if text is None else float(text)
    except ValueError:
        scale = math.nan
    if not abs(scale) <= LARGEST:
        raise ValueError(f"the scale of {name:.40} must be a number from -{LARGEST} to {LARGEST}, and is {text:.20}")
    return scale


def _name(name: str) -> str:
    part = _PART.fullmatch(name)
    alone = part is not None and part[2] == name and part[3] is None
    return name if alone else "'" + name.replace("'", "''") + "'"


@dataclass(frozen=True, kw_only=True)
class AdapterSettings:
    """They change what the model's weights are, so that the text is put through the model anew."""

    adapters: str = declare_text(
        live=True,
        shape=parts,
        takes="names with a scale each, as in poems=0.8, tales=0.3",
        help="LoRA adapters that are added to the model's weights: folders or repositories of the hub, each with its "
        "scale; no scale is 1, below 0 it takes away.",
        paper="Hu et al. 2021",
    )
