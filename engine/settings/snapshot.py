"""The snapshot of all settings, and the table of their declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from engine.errors import SettingError, shown
from engine.settings.context import ContextSettings
from engine.settings.generation_config import values_from
from engine.settings.length import LengthSettings
from engine.settings.parameter import Parameter
from engine.settings.prompt import PromptSettings
from engine.settings.repetition import RepetitionSettings
from engine.settings.run import RunSettings
from engine.settings.sampling import SamplingSettings
from engine.settings.view import ViewSettings


@dataclass(frozen=True, kw_only=True)
class Settings(
    ViewSettings,
    PromptSettings,
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
    return list(value) if isinstance(value, tuple) else value


GROUPS = {
    "run": RunSettings,
    "sampling": SamplingSettings,
    "repetition": RepetitionSettings,
    "length": LengthSettings,
    "context": ContextSettings,
    "prompt": PromptSettings,
    "view": ViewSettings,
}
PARAMETERS: dict[str, Parameter] = {
    declared.name: Parameter(
        name=declared.name, default=declared.default, group=group, **declared.metadata["declaration"]
    )
    for group, settings in GROUPS.items()
    for declared in fields(settings)
}
