"""The declaration of one generation parameter, and everything that follows from it alone.

A `Parameter` knows its kind, bounds, steps and help. Checking a value, reading it from text, showing it and moving it
a step up or down are methods here, so that panel, command line, presets and transcript agree by construction.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.errors import SettingError, shown

Kind = Literal["int", "float", "bool", "text", "texts", "choice", "ids", "json"]
Group = str
OFF_WORDS = frozenset({"", "off", "none", "null"})
_TRUTH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One generation parameter.

    `under` names the strategies that it acts under, where these are not all.

    `low` and `high` are hard bounds (`low_open`: `low` itself is excluded); `span` is the range a slider shows;
    `shape` checks a value of kind json and gives its immutable form, or raises `ValueError`; `takes` says it in words;
    `inert` parameters are the library's and do nothing here.
    `off` is the value that switches the parameter off; `upstream` is the library's default where its name is absent
    from a generation config. `live` parameters obey a change at the next token, the others at the next run.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    group: Group
    live: bool
    label: str = ""
    upstream: Any = None
    off: Any = None
    can_be_off: bool = False
    can_be_auto: bool = False
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    span: tuple[float, float] | None = None
    step: float = 1
    ladder: tuple[float, ...] = ()
    choices: tuple[str, ...] = ()
    shape: Callable[[Any], Any] | None = None
    takes: str = ""
    flags: tuple[str, ...] = ()
    paper: str = ""
    under: tuple[str, ...] = ()
    unit: str = field(default="")
    inert: bool = False

    @property
    def title(self) -> str:
        """The name as people read it: `repetition penalty`."""
        return self.label or self.name.replace("_", " ")

    @property
    def bounds(self) -> str:
        """What may be given, in words: `more than 0, at most 100`."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        words = {
            "int": "a whole number",
            "float": "a number",
            "text": self.takes or "a text",
            "texts": "a list of texts",
            "ids": self.takes or "a list of token ids",
            "bool": "on or off",
            "json": self.takes,
        }[self.kind]
        limits = []
        if self.low > -math.inf:
            limits.append(f"{'more than' if self.low_open else 'at least'} {self._number(self.low)}")
        if self.high < math.inf:
            limits.append(f"at most {self._number(self.high)}")
        words = " ".join([words, ", ".join(limits)]).strip()
        return ", or ".join([words, *(["auto"] if self.can_be_auto else []), *(["off"] if self.can_be_off else [])])

    def check(self, value: Any) -> Any:
        """`value` in its own type, or `SettingError` in one line that names parameter, value and bounds."""
        if value is None and (self.can_be_auto or self.can_be_off):
            return None if self.can_be_auto else self.off
        try:
            checked = self._coerced(value)
        except SettingError:  # it says itself what is wrong
            raise
        except (TypeError, ValueError, OverflowError):
            raise self._refused(value) from None
        if self.kind in ("int", "float") and checked != self.off:
            too_low = checked <= self.low if self.low_open else checked < self.low
            if too_low or checked > self.high or (isinstance(checked, float) and not math.isfinite(checked)):
                raise self._refused(value)
        if self.kind == "choice" and checked not in self.choices:
            raise self._refused(value)
        if self.kind == "text" and self.shape is not None and checked:
            try:
                self.shape(checked)
            except ValueError as error:
                raise SettingError(f"{self.name} {shown(checked)}: {shown(str(error))}") from None
        return checked

    def parse(self, text: str) -> Any:
        """The checked value that a person typed. Lists are JSON, or one text alone; a text may be quoted as in JSON,
        so that a newline can be given as "\\n".
        """
        bare = text.strip()
        if self.kind == "bool":
            return self.check(_TRUTH.get(bare.lower(), text))
        if self.can_be_auto and bare.lower() == "auto":
            return None
        if self.can_be_off and bare.lower() in OFF_WORDS:
            return self.off
        match self.kind:
            case "json":
                return self.check(_read_json(bare))
            case "int":
                return self.check(_whole(bare, self))
            case "float":
                try:
                    return self.check(float(bare))
                except ValueError:
                    raise self._refused(text) from None
            case "text":
                return self.check(_unquoted(text))
            case "choice":
                return self.check(bare)
            case "texts" | "ids":
                return self.check(self._parsed_list(text))
        raise AssertionError(self.kind)

    def format(self, value: Any) -> str:
        """The value as the panel shows it; `parse(format(value))` gives it back."""
        if self.can_be_auto and value is None:
            return "auto"
        if self.can_be_off and value == self.off:
            return "off"
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, float):
            return self._number(value)
        if isinstance(value, tuple):
            return json.dumps(list(value), ensure_ascii=False)
        if self.kind == "text" and not _stands_alone(value):
            return json.dumps(value, ensure_ascii=not value.isprintable())
        return str(value)

    def stepped(self, value: Any, by: int) -> Any:
        """The value `by` steps away, kept within the bounds; choices and ladders go from rung to rung."""
        if self.kind == "choice":
            place = min(max(self.choices.index(value) + by, 0), len(self.choices) - 1)
            return self.choices[place]
        if self.kind == "bool":
            return by > 0
        if self.kind not in ("int", "float"):
            return value
        if self.ladder:
            return self.check(self._rung(self._floor if value is None else value, by))
        start = self._floor if value is None else float(value)
        moved = (round(start / self.step) + by) * self.step
        floor = self.low
        if self.low_open:  # a value below the first step stays where it is
            floor = min(self.low + self.step, start if start > self.low else math.inf)
        moved = min(max(round(moved, 10), floor), self.high)
        return self.check(int(moved) if self.kind == "int" else moved)

    def position(self, value: Any) -> float | None:
        """Where the value stands in the slider's span, 0 to 1; None for what has no span."""
        if self.span is None or not isinstance(value, int | float):
            return None
        low, high = self.span
        return min(max((value - low) / (high - low), 0.0), 1.0)

    @property
    def _floor(self) -> float:
        return self.span[0] if self.span else max(self.low, 0)

    def _rung(self, value: float, by: int) -> float:
        rungs = sorted({*self.ladder, value})
        # A value between two rungs is itself a rung here, so a step always moves.
        return rungs[min(max(rungs.index(value) + by, 0), len(rungs) - 1)]

    def _coerced(self, value: Any) -> Any:
        match self.kind:
            case "int":
                if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
                    raise TypeError
                return _as_int(value)
            case "float":
                if isinstance(value, bool | str):
                    raise TypeError
                return float(value)
            case "bool":
                if not isinstance(value, bool):
                    raise TypeError
                return value
            case "json":
                assert self.shape is not None
                return self.shape(value)
            case "choice" if isinstance(value, bool):
                return str(value).lower()  # as the library writes it
            case "text" | "choice":
                if not isinstance(value, str):
                    raise TypeError
                return value
            case "texts":
                items = (value,) if isinstance(value, str) else tuple(value)
                if not all(isinstance(item, str) and item for item in items):
                    raise TypeError
                return items
            case "ids":
                items = (value,) if isinstance(value, int) else tuple(value)
                if any(isinstance(item, bool) or not isinstance(item, int) or item < 0 for item in items):
                    raise TypeError
                return items

    def _parsed_list(self, text: str) -> Any:
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            if self.kind == "texts":
                return (text,)
            raise self._refused(text) from None
        return value if isinstance(value, list) else (text,) if self.kind == "texts" else value

    def _number(self, value: float) -> str:
        short = f"{value:.10g}"
        return short if float(short) == value else repr(value)

    def _refused(self, value: Any) -> SettingError:
        return SettingError(f"{self.name} {shown(value)}: must be {self.bounds}")


def _read_json(text: str) -> Any:
    """The value of a JSON text; a bare word stands for itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _stands_alone(text: str) -> bool:
    """False for a text that must be quoted to be read back as it is."""
    return text.isprintable() and text == text.strip() and text[:1] != '"' and text.lower() not in OFF_WORDS


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text, strict=False))
        except ValueError:
            pass
    return text


def _as_int(value: Any) -> int:
    if isinstance(value, str):
        raise TypeError
    return int(value)


def _whole(text: str, parameter: Parameter) -> int:
    try:
        return int(text)
    except ValueError:
        return parameter.check(text)  # refused there, in the parameter's own words
