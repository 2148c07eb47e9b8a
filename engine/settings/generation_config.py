"""From the names of transformers' GenerationConfig to settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import SettingError
from engine.settings.parameter import Parameter

# What a saved generation config holds that is no setting: remarks, the model's ids, the defaults of what is not here.
_REMARKS = frozenset({"transformers_version", "bos_token_id", "pad_token_id"})
_PLAIN_DEFAULTS = {"num_beams": 1, "num_beam_groups": 1, "use_cache": True}


def values_from(config: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The values that `Settings` takes, complete; an absent name has the library's default.

    Raises `SettingError` where `do_sample` is no truth value; other values are checked by whoever takes them.
    """
    given = {name: value for name, value in config.items() if value is not None and not _says_nothing(name, value)}
    sampled = given.pop("do_sample", False)
    if not isinstance(sampled, bool):
        raise SettingError(f"do_sample {sampled!r:.60}: must be true or false")
    values = {name: parameter.upstream for name, parameter in parameters.items()}
    values["strategy"] = "sample" if sampled else "greedy"
    if "max_new_tokens" in given:
        given.pop("max_length", None)  # it wins, as in the library
    elif "max_length" in given:
        values["max_new_tokens"] = -1
    return values | given


def _says_nothing(name: str, value: Any) -> bool:
    return name.startswith("_") or name in _REMARKS or (name in _PLAIN_DEFAULTS and _PLAIN_DEFAULTS[name] == value)
