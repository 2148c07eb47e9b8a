"""Whether the model that a record names and the one that is loaded have the same weights, as far as can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TELLING = ("type", "parameters", "name")


def same_weights(recorded: Mapping[str, Any], loaded: Mapping[str, Any]) -> bool:
    """By the hash of the weights where both have one, else by type, size and name.

    Where they are others, the ids of the record's tokens mean nothing to the loaded model: it has to read the text.
    """
    hashes = recorded.get("weights"), loaded.get("weights")
    if all(isinstance(value, str) and value for value in hashes):
        return hashes[0] == hashes[1]
    return all(recorded.get(name) == loaded.get(name) for name in _TELLING)


def name_of(identity: Mapping[str, Any]) -> str:
    """What the user called the model; empty where that is not said."""
    name = identity.get("name")
    return name if isinstance(name, str) else ""
