"""XLNet (Yang et al. 2019): a permutation language model that wants context, so a padding text goes before the prompt.

A prefix replaces the padding text. Neither is part of the result. What a step sees (a dummy token after the text,
and the memory of what came before) is the runner's affair, `engine.runner.xlnet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.events import Note
from engine.families.causal_lm import Family
from engine.families.padding_text import PADDING_TEXT, padding_note
from engine.settings import Settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from engine.models.loaded import LoadedModel


class XLNet(Family):
    """XLNet with its own ids: see `XLNetTokenizer`."""

    name = "xlnet"
    model_types = ("xlnet",)
    vocabulary = ("spiece.model",)
    marks = False

    def tokenizer(self, folder: str, **options: Any) -> PreTrainedTokenizerBase:
        if not (Path(folder) / "spiece.model").is_file():
            return super().tokenizer(folder, **options)
        from engine.families.xlnet_tokenizer import XLNetTokenizer

        return XLNetTokenizer.from_pretrained(folder, **options)

    def before(self, settings: Settings) -> str:
        return settings.prefix or PADDING_TEXT

    def notes(self, model: LoadedModel, prompt: str, ids: tuple[int, ...], settings: Settings) -> tuple[Note, ...]:
        if settings.prefix:
            return ()
        return (Note("info", "padding-text", padding_note(len(self.encode(model, PADDING_TEXT)))),)
