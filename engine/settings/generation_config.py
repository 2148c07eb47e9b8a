"""From the names of transformers' GenerationConfig to settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import SettingError, shown
from engine.settings.parameter import Parameter

# What a saved generation config holds that is no setting.
_REMARKS = frozenset({"transformers_version"})


def values_from(config: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The values that `Settings` takes, complete; an absent name has the library's default.

    Raises `SettingError` where `do_sample` is no truth value; other values are checked by whoever takes them.
    """
    given = {name: value for name, value in config.items() if value is not None and not _is_remark(name)}
    given |= named_further(given.pop("generation_kwargs", None), parameters)
    if not isinstance(given.get("do_sample", False), bool):
        raise SettingError(f"do_sample {given['do_sample']!r:.60}: must be true or false")
    values = {name: parameter.upstream for name, parameter in parameters.items()}
    if "strategy" not in given:
        values["strategy"] = strategy_of(given)
    if "max_new_tokens" in given:
        given.pop("max_length", None)  # it wins, as in the library
    elif "max_length" in given:
        values["max_new_tokens"] = -1
    return values | given


# The names that the strategy follows from.
_DRAFTING = ("assistant_model", "prompt_lookup_num_tokens", "assistant_early_exit")
DECIDING = frozenset(
    {
        "do_sample",
        "force_words",
        "force_words_ids",
        "constraints",
        "num_beams",
        "num_beam_groups",
        "penalty_alpha",
        "top_k",
        "dola_layers",
    }
).union(_DRAFTING)


def strategy_of(given: Mapping[str, Any], *, draws: bool = False) -> str:
    """The strategy that these names ask for, as the library's `get_generation_mode` has it.

    `draws` is what `do_sample` is where it is not given. Raises `SettingError` for drawing where the strategy cannot.
    """
    draws = given.get("do_sample", draws)
    if given.get("force_words") or any(given.get(name) is not None for name in ("force_words_ids", "constraints")):
        if given.get("do_sample"):
            raise SettingError("force_words: forced words need do_sample off")
        return "constrained-beam"
    if _more_than(given.get("num_beams"), 1):
        if _more_than(given.get("num_beam_groups"), 1):
            if given.get("do_sample"):
                raise SettingError("num_beam_groups: groups of beams need do_sample off")
            return "diverse-beam"
        return "beam-sample" if draws else "beam"
    if not draws and _more_than(given.get("penalty_alpha"), 0) and _more_than(given.get("top_k", 50), 1):
        return "contrastive"
    if any(given.get(name) for name in _DRAFTING):
        return "assisted"
    if given.get("dola_layers") is not None:
        return "dola"
    return "sample" if draws else "greedy"


def _more_than(value: Any, bound: float) -> bool:
    """False also for what is no number, which is refused by its declaration."""
    return isinstance(value, int | float) and value > bound


def named_further(value: Any, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The settings that `generation_kwargs` holds, by their own names. Raises `SettingError` for an unknown one."""
    own = parameters["generation_kwargs"]
    found = {name.replace("-", "_"): item for name, item in own.check(value) or ()}
    unknown = next((name for name in found if name not in parameters or name == own.name), None)
    if unknown is not None:
        raise SettingError(f"generation_kwargs {shown(unknown)}: no such setting")
    return found


def _is_remark(name: str) -> bool:
    return name.startswith("_") or name in _REMARKS
