"""CTRL (Keskar et al. 2019): texts begin with a control code, a word that names their kind ("Books", "Reviews").

The prompt goes in as it stands. Two things are worth a note: a temperature that suits other models, and a beginning
that is no control code.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from engine.errors import shown
from engine.events import Note
from engine.families.causal_lm import Choices, Family, prefix_ignored
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_WARM = 0.7
_NEAREST = 3


class CTRL(Family):
    """The conditional transformer."""

    name = "ctrl"
    model_types = ("ctrl",)
    vocabulary = ("vocab.json", "merges.txt")
    marks = False

    def before(self, settings: Settings) -> str:
        return ""

    def notes(self, model: LoadedModel, prompt: str, ids: tuple[int, ...], settings: Settings) -> tuple[Note, ...]:
        notes = [*prefix_ignored("CTRL", settings)]
        if settings.temperature > _WARM:
            text = f"CTRL works better with a low temperature ({_WARM} or less) and a low top-k."
            notes.append(Note("info", "ctrl-temperature", text))
        if ids[0] not in _table(model).values():
            notes.append(Note("warning", "ctrl-no-control-code", _no_code(model, prompt)))
        return tuple(notes)

    def head(self, model: LoadedModel, ids: Sequence[int]) -> int:
        """The control code: the text is of its kind to the end."""
        return 1 if ids[0] in _table(model).values() else super().head(model, ids)

    def choices(self, model: LoadedModel) -> Choices | None:
        codes = control_codes(model)
        return Choices("Control codes", tuple(codes)) if codes else None


def control_codes(model: LoadedModel) -> list[str]:
    """The control codes that this checkpoint's vocabulary has, by name.

    The table of codes is fixed and names ids; a smaller vocabulary may have other words there.
    """
    encode = model.tokenizer.encode
    return sorted(word for word, code in _table(model).items() if encode(word, add_special_tokens=False) == [code])


def nearest_codes(model: LoadedModel, word: str) -> list[str]:
    """The control codes most like `word`, in any case, the likest first."""

    def likeness(code: str) -> float:
        return SequenceMatcher(None, word.lower(), code.lower()).ratio()

    return sorted(control_codes(model), key=likeness, reverse=True)[:_NEAREST]


def _no_code(model: LoadedModel, prompt: str) -> str:
    word = next(iter(prompt.split()), "")
    near = nearest_codes(model, word)
    offer = f" The nearest: {', '.join(near)}." if near else " This vocabulary has none."
    return f"“{shown(word)}” is no control code; CTRL writes badly where the prompt does not begin with one.{offer}"


def _table(model: LoadedModel) -> dict[str, int]:
    return getattr(model.tokenizer, "control_codes", {})
