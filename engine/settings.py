"""Every generation parameter, declared once.

Names are those of transformers' GenerationConfig where it has one; defaults are run_generation's. Panel, command
line, presets, transcript, help and the README's table are projections of the declarations below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from engine.errors import SettingError, shown
from engine.parameter import Parameter

_COUNTS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)
_LENGTHS = (-1, 0, 1, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2000, 5000, 10000)


def _declare(default: Any, **declaration: Any) -> Any:
    return field(default=default, metadata={"declaration": declaration})


def _declare_text(**declaration: Any) -> Any:
    return _declare("", kind="text", upstream="", off="", can_be_off=True, **declaration)


_REMARKS = frozenset({"transformers_version", "bos_token_id", "pad_token_id"})
_PLAIN_DEFAULTS = {"num_beams": 1, "num_beam_groups": 1, "use_cache": True}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One snapshot of all settings: immutable and always valid.

    Raises `SettingError` (one line: name, value, bounds) for a value that its declaration refuses.
    """

    strategy: str = _declare(
        "sample",
        kind="choice",
        choices=("greedy", "sample"),
        upstream="greedy",
        group="run",
        live=True,
        help="How the next token is chosen: always the likeliest (greedy), or drawn by probability (sample).",
    )
    temperature: float = _declare(
        1.0,
        kind="float",
        upstream=1.0,
        low=0,
        low_open=True,
        high=100,
        span=(0, 2),
        step=0.05,
        group="sampling",
        live=True,
        help="Below 1 sharpens the distribution towards the likeliest tokens, above 1 flattens it. Logits / T.",
        paper="Ackley, Hinton & Sejnowski 1985",
    )
    top_k: int = _declare(
        0,
        kind="int",
        upstream=50,
        off=0,
        can_be_off=True,
        low=0,
        high=1_000_000,
        span=(0, 100),
        ladder=_COUNTS,
        flags=("--k",),
        group="sampling",
        live=True,
        label="top-k",
        help="Only the k likeliest tokens can be drawn.",
        paper="Fan, Lewis & Dauphin 2018",
    )
    top_p: float = _declare(
        0.9,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        high=1,
        span=(0, 1),
        step=0.05,
        flags=("--p",),
        group="sampling",
        live=True,
        label="top-p",
        help="Only the smallest set of likeliest tokens whose probabilities reach p can be drawn (nucleus).",
        paper="Holtzman et al. 2020",
    )
    min_p: float = _declare(
        0.0,
        kind="float",
        upstream=0.0,
        off=0.0,
        can_be_off=True,
        low=0,
        high=1,
        span=(0, 0.5),
        step=0.01,
        group="sampling",
        live=True,
        label="min-p",
        help="Drops the tokens whose probability is below this share of the likeliest one's.",
        paper="Nguyen et al. 2024",
    )
    typical_p: float = _declare(
        1.0,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        low_open=True,
        high=1,
        span=(0, 1),
        step=0.05,
        group="sampling",
        live=True,
        label="typical-p",
        help="Keeps the tokens whose surprisal is nearest to the entropy, until their probabilities reach this.",
        paper="Meister et al. 2023",
    )
    epsilon_cutoff: float = _declare(
        0.0,
        kind="float",
        upstream=0.0,
        off=0.0,
        can_be_off=True,
        low=0,
        high=0.999999,
        span=(0, 0.01),
        step=0.0005,
        group="sampling",
        live=True,
        help="Drops the tokens whose probability is below this; 0.0003 to 0.0009 are usual.",
        paper="Hewitt, Manning & Liang 2022",
    )
    eta_cutoff: float = _declare(
        0.0,
        kind="float",
        upstream=0.0,
        off=0.0,
        can_be_off=True,
        low=0,
        high=0.999999,
        span=(0, 0.01),
        step=0.0005,
        group="sampling",
        live=True,
        help="As epsilon cutoff, with a threshold that falls as the entropy rises; 0.0003 to 0.002 are usual.",
        paper="Hewitt, Manning & Liang 2022",
    )
    repetition_penalty: float = _declare(
        1.0,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        low_open=True,
        high=100,
        span=(0.5, 2),
        step=0.05,
        label="repetition",
        group="repetition",
        live=True,
        help="Above 1 makes tokens that are already in the text less likely, below 1 more likely.",
        paper="Keskar et al. 2019",
    )
    no_repeat_ngram_size: int = _declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=1000,
        span=(0, 10),
        group="repetition",
        live=True,
        label="no-repeat n-gram",
        help="No run of this many tokens can come twice, the prompt included.",
        paper="Paulus, Xiong & Socher 2018",
    )
    max_new_tokens: int = _declare(
        20,
        kind="int",
        upstream=20,
        low=-1,
        high=1_000_000,
        span=(0, 500),
        ladder=_LENGTHS,
        flags=("--length",),
        group="length",
        live=True,
        label="length",
        unit="tokens",
        help="How many new tokens at most; -1 for as many as the model takes.",
    )
    max_length: int | None = _declare(
        None,
        kind="int",
        can_be_off=True,
        low=1,
        high=1_000_000,
        group="length",
        live=True,
        unit="tokens",
        help="How many tokens at most, the prompt counted in; acts beside the length.",
    )
    min_new_tokens: int = _declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=1_000_000,
        span=(0, 500),
        ladder=_COUNTS,
        group="length",
        live=True,
        unit="tokens",
        help="The model cannot end the text before this many new tokens.",
    )
    max_time: float | None = _declare(
        None,
        kind="float",
        can_be_off=True,
        low=0,
        low_open=True,
        high=1e9,
        step=1,
        group="length",
        live=True,
        unit="s",
        help="Seconds of computing after which the run ends.",
    )
    stop_token: str = _declare_text(
        group="length",
        live=True,
        label="stop text",
        help="The run ends where this text comes, and the output is cut before it.",
    )
    stop_strings: tuple[str, ...] = _declare(
        (),
        kind="texts",
        upstream=(),
        off=(),
        can_be_off=True,
        group="length",
        live=True,
        help="The run ends after any of these texts; nothing is cut.",
    )
    eos_token_id: tuple[int, ...] | None = _declare(
        None,
        kind="ids",
        off=(),
        can_be_off=True,
        can_be_auto=True,
        group="length",
        live=True,
        label="end tokens",
        help="Token ids that end the text: auto takes the model's own, off lets none end it.",
    )
    seed: int = _declare(
        42,
        kind="int",
        upstream=42,
        low=0,
        high=2**32 - 1,
        group="run",
        live=False,
        help="Where the random numbers start: the same seed gives the same text. Sequence i draws from seed + i.",
    )
    num_return_sequences: int = _declare(
        1,
        kind="int",
        upstream=1,
        low=1,
        high=64,
        span=(1, 8),
        group="run",
        live=False,
        label="sequences",
        help="How many continuations are written side by side.",
    )
    prefix: str = _declare_text(
        flags=("--padding_text",),
        group="prompt",
        live=False,
        help="Text put before the prompt for the model, never shown in the result.",
    )
    xlm_language: str = _declare_text(
        group="prompt",
        live=False,
        label="XLM language",
        help="The language of an XLM model that has several, by its short name, such as en.",
        paper="Lample & Conneau 2019",
    )
    alternatives: int = _declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=100,
        span=(0, 20),
        group="view",
        live=True,
        help="How many of the likeliest tokens are recorded beside each token that was chosen.",
    )

    def __post_init__(self) -> None:
        for name, parameter in PARAMETERS.items():
            object.__setattr__(self, name, parameter.check(getattr(self, name)))
        if self.strategy == "greedy" and self.num_return_sequences > 1:
            raise SettingError(
                f"num_return_sequences {self.num_return_sequences}: greedy decoding gives one sequence; "
                "take strategy sample for several"
            )

    def changed(self, **names: Any) -> Self:
        """A copy with these settings changed; `SettingError` for an unknown name or a refused value."""
        return replace(self, **{parameter_named(name).name: value for name, value in names.items()})

    def differences(self, other: Settings) -> dict[str, tuple[Any, Any]]:
        """name -> (own value, other's value), for what differs."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in PARAMETERS}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def obeying(self, wanted: Settings) -> Settings:
        """These settings with the live ones taken from `wanted`: what a running generation may change to."""
        moved = {name: new for name, (_, new) in self.differences(wanted).items() if PARAMETERS[name].live}
        if moved.get("strategy") == "greedy" and self.num_return_sequences > 1:
            del moved["strategy"]  # several sequences cannot turn greedy half-way
        return replace(self, **moved) if moved else self

    def end_ids(self, own: tuple[int, ...]) -> tuple[int, ...]:
        """The ids that end a text, where the model's own are `own`."""
        return own if self.eos_token_id is None else self.eos_token_id

    def to_dict(self) -> dict[str, Any]:
        """All settings by name, as JSON has them."""
        return {name: _plain(getattr(self, name)) for name in PARAMETERS}

    @classmethod
    def from_generation_config(cls, config: Mapping[str, Any]) -> Self:
        """Settings from GenerationConfig's own names, where an absent name has the library's default.

        The strategy is the one that the library's `get_generation_mode` would take: `do_sample` decides between greedy
        and sample. Beside its names those of this program (`strategy`, `seed`, `prefix`, ...) are taken.
        Raises `SettingError` for a name that is not known and for a strategy that is not there.
        """
        given = {name: value for name, value in config.items() if value is not None and not _says_nothing(name, value)}
        sampled = given.pop("do_sample", False)
        if not isinstance(sampled, bool):
            raise SettingError(f"do_sample {sampled!r:.60}: must be true or false")
        values = {name: parameter.upstream for name, parameter in PARAMETERS.items()}
        values["strategy"] = "sample" if sampled else "greedy"
        if "max_new_tokens" in given:
            given.pop("max_length", None)  # it wins, as in the library
        elif "max_length" in given:
            values["max_new_tokens"] = -1
        return cls(**(values | {parameter_named(name).name: value for name, value in given.items()}))


def parameter_named(name: str) -> Parameter:
    """The declaration of `name` (also with hyphens), or `SettingError` that names the nearest ones."""
    parameter = PARAMETERS.get(name.replace("-", "_"))
    if parameter is None:
        from difflib import get_close_matches

        near = get_close_matches(name, PARAMETERS, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise SettingError(f"{shown(name)}: no such setting{hint}")
    return parameter


def _says_nothing(name: str, value: Any) -> bool:
    """True for what a saved generation config holds that is no setting: remarks, ids of the model, plain defaults."""
    return name.startswith("_") or name in _REMARKS or (name in _PLAIN_DEFAULTS and _PLAIN_DEFAULTS[name] == value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


PARAMETERS: dict[str, Parameter] = {
    declared.name: Parameter(name=declared.name, default=declared.default, **declared.metadata["declaration"])
    for declared in fields(Settings)
}
