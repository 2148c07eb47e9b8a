"""In what settings differ that say which token comes. No widgets here."""

from __future__ import annotations

from engine.settings import PARAMETERS, Settings

_ELSEWHERE = frozenset({"seed", "num_return_sequences", "max_new_tokens", "max_length", "max_time", "alternatives"})
"""They say where a text begins and ends, how many there are and what is told of them, not which token comes."""


def differing(one: Settings, other: Settings) -> str:
    """In what the other differs from the one, as it is in the other: `Temperature 1.3, Top-p 0.8`."""
    pairs = one.differences(other).items()
    told = [(PARAMETERS[name], new) for name, (_, new) in pairs if name not in _ELSEWHERE]
    return ", ".join(f"{parameter.title} {parameter.format(new)}" for parameter, new in told)
