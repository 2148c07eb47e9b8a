"""What is to be compared, from what a person types: presets, settings, models, and ranges of a setting."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from engine.command_line import changed_from, parameter_of_flag
from engine.comparison import Variant
from engine.errors import SettingError
from engine.presets import Preset, Shelf
from engine.settings import Settings
from engine.settings.parameter import Parameter

MOST = 24
"""Variants at once."""
RUNGS = 7
"""Values of a range whose steps are not given, about."""
PARTS = "|"
"""Stands between two variants; `NOW` is the settings as they are."""
NOW = "now"
_SWEPT = ("int", "float", "choice", "bool")


def variants_from(text: str, settings: Settings, shelf: Shelf) -> list[Variant]:
    """The variants of a line, as in `now | preset=4 | temperature=0.2..1.4 top_p=0.9`; each has one sequence.

    Raises `SettingError`.
    """
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=PARTS)
        lexer.whitespace_split, lexer.commenters = True, ""
        words = list(lexer)
    except ValueError as error:  # a quote that is never closed
        raise SettingError(f"{text:.40}: {str(error).lower()}") from None
    alone = settings.changed(num_return_sequences=1)
    variants: list[Variant] = []
    for parts, group in groupby(words, key=lambda word: word == PARTS):
        if not parts:
            variants += [variant_from(changes, alone, shelf) for changes in _spread(list(group))]
    if len(variants) > MOST:
        raise SettingError(f"{len(variants)} variants: at most {MOST} are compared at once")
    return variants


def _spread(words: list[str]) -> list[list[str]]:
    """One list of changes, or, where a setting has several values, one for each of them."""
    for place, word in enumerate(words):
        name, equals, values = word.partition("=")
        several = any(sign in values for sign in ("..", "…", ",")) if equals else word != NOW
        if several and name not in ("preset", "model") and parameter_of_flag(name).kind in _SWEPT:
            swept = [[*words[:place], change, *words[place + 1 :]] for change in sweep_from(word)]
            return [changes for each in swept for changes in _spread(each)]
    return [words]


def variant_from(changes: Iterable[str], settings: Settings, shelf: Shelf) -> Variant:
    """A variant of one or more of `name=value`, `preset=4`, `model=NAME` and `now`. Raises `SettingError`."""
    names, model, together = [], None, dict[str, Any]()
    for change in changes:
        name, equals, value = change.partition("=")
        if change == NOW:
            names.append("as set now")
        elif not equals or not value:
            raise SettingError(f"{change:.40}: must be name=value, preset=4, model=NAME or {NOW}")
        elif name == "model":
            model = value
            names.append(f"model {value}")
        elif name == "preset":
            digit, preset = _preset(value, shelf)
            together |= preset.values
            names.append(f"preset {digit} {preset.name}")
        else:
            parameter, taken = changed_from(change)
            together[parameter.name] = taken
            names.append(f"{parameter.title} {parameter.format(taken)}")
    return Variant(", ".join(names), settings.changed(**together), model)


def _preset(text: str, shelf: Shelf) -> tuple[int, Preset]:
    """The preset under a digit, or of a name."""
    for digit, preset in shelf:
        if text in (str(digit), preset.name):
            return digit, preset
    raise SettingError(f"preset {text:.40}: must be a digit from 1 to 9, or a preset's name")


def sweep_from(text: str) -> list[str]:
    """A change for each value of a setting: `top_k=5,50`, `temperature=0.2..1.4`, `temperature=0.2..1.4/0.3`, or the
    name alone for the range that its declaration shows. Raises `SettingError`.
    """
    name, _, given = text.partition("=")
    parameter = parameter_of_flag(name)
    if parameter.kind not in _SWEPT:
        raise SettingError(f"{parameter.name}: it has no range")
    ends = given.replace("…", "..").split("..")
    if len(ends) == 2:
        values = _between(parameter, *ends)
    elif given:
        values = [parameter.parse(value) for value in given.split(",")]
    else:
        values = declared(parameter)
    if len(values) > MOST:
        raise SettingError(f"{text:.40}: {len(values)} values: at most {MOST} are compared at once")
    return [f"{parameter.name}={parameter.format(value)}" for value in values]


def declared(parameter: Parameter) -> list[Any]:
    """The values worth trying of a setting: its choices, or those of its slider, from end to end."""
    if parameter.kind == "choice":
        return list(parameter.choices)
    if parameter.kind == "bool":
        return [False, True]
    if parameter.span is None:
        raise SettingError(f"{parameter.name}: give its values, as in {parameter.name}=1,2,3")
    return _rungs(parameter, *parameter.span)


def _between(parameter: Parameter, low: str, rest: str) -> list[Any]:
    high, slash, by = rest.partition("/")
    if parameter.kind not in ("int", "float"):
        raise SettingError(f"{parameter.name}: it has no range, give its values with commas")
    first, last = parameter.parse(low), parameter.parse(high)
    if first is None or last is None or first > last:
        raise SettingError(f"{parameter.name}={low}..{high}: a range goes from a number up to another")
    if not slash:
        return _rungs(parameter, first, last)
    try:
        step = float(by)
        count = int((last - first) / step + 1e-9) + 1
    except (ValueError, ZeroDivisionError, OverflowError):
        count, step = 0, 0.0
    if step <= 0 or not 1 <= count <= MOST:
        raise SettingError(f"{parameter.name}={low}..{high}/{by:.20}: a step more than 0, and at most {MOST} values")
    return [_value(parameter, first + place * step) for place in range(count)]


def _rungs(parameter: Parameter, low: float, high: float) -> list[Any]:
    """About so many values from end to end: rungs of its ladder, else as many steps apart as it takes."""
    within = [rung for rung in parameter.ladder if low <= rung <= high]
    if len(within) > 2:
        places = _evenly(len(within), min(RUNGS, len(within)))
        found: Sequence[float] = [low, *(within[place] for place in places), high]
    else:
        steps = max(1, round((high - low) / parameter.step))
        found = [low + (high - low) * place / steps for place in _evenly(steps + 1, min(RUNGS, steps + 1))]
    values = []
    for value in found:
        try:
            values.append(_value(parameter, value))
        except SettingError:  # the end of a slider may lie outside of what is taken: a temperature of 0
            continue
    return sorted(set(values))


def _evenly(count: int, wanted: int) -> list[int]:
    return sorted({round(place * (count - 1) / max(1, wanted - 1)) for place in range(wanted)})


def _value(parameter: Parameter, number: float) -> Any:
    return parameter.check(round(number) if parameter.kind == "int" else round(number, 10))
