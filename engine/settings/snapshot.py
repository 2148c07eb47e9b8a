"""The snapshot of all settings, and the table of their declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from engine.errors import SettingError, shown
from engine.settings import contradictions
from engine.settings.adapters import AdapterSettings
from engine.settings.assisted import AssistedSettings
from engine.settings.beams import BeamSettings
from engine.settings.cache import CacheSettings
from engine.settings.comparing import ComparingSettings
from engine.settings.context import ContextSettings
from engine.settings.filters import FilterSettings
from engine.settings.form import FormSettings
from engine.settings.generation_config import named_further, values_from
from engine.settings.guidance import GuidanceSettings
from engine.settings.length import LengthSettings
from engine.settings.names import LIVE_SWITCHES
from engine.settings.obsolete import ObsoleteSettings
from engine.settings.outputs import OutputSettings
from engine.settings.parameter import Parameter
from engine.settings.phrases import PhraseSettings
from engine.settings.prompt import PromptSettings
from engine.settings.repetition import RepetitionSettings
from engine.settings.run import RunSettings
from engine.settings.sampling import SamplingSettings
from engine.settings.view import ViewSettings
from engine.settings.watermark import WatermarkSettings
from engine.settings.words import WordSettings

# What "as many as fit" means for a model without a limit, so that a run ends.
MAX_LENGTH = 10_000


@dataclass(frozen=True, kw_only=True)
class Settings(
    ObsoleteSettings,
    OutputSettings,
    CacheSettings,
    ViewSettings,
    PromptSettings,
    WatermarkSettings,
    GuidanceSettings,
    AdapterSettings,
    AssistedSettings,
    ComparingSettings,
    BeamSettings,
    FormSettings,
    FilterSettings,
    WordSettings,
    PhraseSettings,
    ContextSettings,
    LengthSettings,
    RepetitionSettings,
    SamplingSettings,
    RunSettings,
):
    """One snapshot of all settings: immutable and always valid.

    Raises `SettingError` (one line: name, value, bounds) for a value that its declaration refuses.
    """

    def __post_init__(self) -> None:
        for name, value in named_further(self.generation_kwargs, PARAMETERS).items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "generation_kwargs", None)
        for name, parameter in PARAMETERS.items():
            object.__setattr__(self, name, parameter.check(getattr(self, name)))
        contradiction = contradictions.of(self)
        if contradiction:
            raise SettingError(contradiction)

    @property
    def draws(self) -> bool:
        """Whether tokens are drawn by their probability, so that the warpers act."""
        return self.strategy in ("sample", "beam-sample") or (self.strategy in ("dola", "assisted") and self.do_sample)

    @property
    def forced_phrases(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """The words that must come: each a choice of phrases."""
        return (self.force_words_ids or ()) + (self.constraints or ())

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
        if "strategy" in moved and not any({self.strategy, moved["strategy"]} <= kin for kin in LIVE_SWITCHES):
            del moved["strategy"]  # it is another way of working: the next run takes it
        try:
            return replace(self, **moved) if moved else self
        except SettingError:  # several sequences cannot turn greedy half-way
            moved.pop("strategy", None)
            return replace(self, **moved)

    def without_effect(self) -> list[Parameter]:
        """What was set and has no meaning under the strategy."""
        return [
            parameter
            for name, parameter in PARAMETERS.items()
            if (parameter.under or parameter.inert)
            and self.strategy not in parameter.under
            and getattr(self, name) not in (parameter.default, parameter.check(parameter.upstream))
        ]

    def end_ids(self, own: tuple[int, ...]) -> tuple[int, ...]:
        """The ids that end a text, where the model's own are `own`."""
        return own if self.eos_token_id is None else self.eos_token_id

    def room(self, prompt_length: int, positions: int | None) -> int:
        """How many new tokens may follow a prompt of so many, in a model of so many positions (None: no limit)."""
        limits = [MAX_LENGTH if self.max_new_tokens < 0 else self.max_new_tokens]
        limits += [longest - prompt_length for longest in (positions, self.max_length) if longest is not None]
        return max(min(limits), 0)

    def to_dict(self) -> dict[str, Any]:
        """All settings by name, as JSON has them."""
        return {name: _plain(getattr(self, name)) for name in PARAMETERS}

    @classmethod
    def from_generation_config(cls, config: Mapping[str, Any]) -> Self:
        """Settings from GenerationConfig's own names, where an absent name has the library's default.

        The strategy is the one that the library's `get_generation_mode` would take. Beside its names those of this
        program (`strategy`, `seed`, `prefix`, ...) are taken. Raises `SettingError` for a name that is not known and
        for values that do not go together.
        """
        values = values_from(config, PARAMETERS)
        return cls(**{parameter_named(name).name: value for name, value in values.items()})


def parameter_named(name: str) -> Parameter:
    """The declaration of `name` (also with hyphens), or `SettingError` that names the nearest ones."""
    parameter = PARAMETERS.get(name.replace("-", "_"))
    if parameter is None:
        from difflib import get_close_matches

        near = get_close_matches(name, PARAMETERS, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise SettingError(f"{shown(name)}: no such setting{hint}")
    return parameter


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


GROUPS = {
    "run": RunSettings,
    "sampling": SamplingSettings,
    "repetition": RepetitionSettings,
    "length": LengthSettings,
    "context": ContextSettings,
    "phrases": PhraseSettings,
    "words": WordSettings,
    "filters": FilterSettings,
    "form": FormSettings,
    "beams": BeamSettings,
    "comparing": ComparingSettings,
    "assisted": AssistedSettings,
    "adapters": AdapterSettings,
    "guidance": GuidanceSettings,
    "watermark": WatermarkSettings,
    "prompt": PromptSettings,
    "view": ViewSettings,
    "cache": CacheSettings,
    "outputs": OutputSettings,
    "no effect": ObsoleteSettings,
}
PARAMETERS: dict[str, Parameter] = {
    declared.name: Parameter(
        name=declared.name, default=declared.default, group=group, **declared.metadata["declaration"]
    )
    for group, settings in GROUPS.items()
    for declared in fields(settings)
}
