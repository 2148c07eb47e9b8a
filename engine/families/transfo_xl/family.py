"""How a prompt is made ready for Transformer-XL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import PromptError
from engine.events import Note, Prepared
from engine.families.causal_lm import Family
from engine.families.padding_text import PADDING_TEXT, padding_note
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel


class TransfoXL(Family):
    """Transformer-XL: a padding text, or the prefix that replaces it, and the prompt; no marks of our own."""

    name = "transfo-xl"
    model_types = ("transfo-xl",)

    def prepare(self, model: LoadedModel, prompt: str, settings: Settings) -> Prepared:
        before = settings.prefix or PADDING_TEXT
        text = before + prompt
        ids = tuple(model.tokenizer.encode(text, add_special_tokens=False))
        if not ids:
            raise PromptError("the prompt and its prefix hold no word: type something")
        if settings.prefix:
            return Prepared(text, ids)
        cost = len(model.tokenizer.encode(before, add_special_tokens=False))
        return Prepared(text, ids, (Note("info", "padding-text", padding_note(cost)),))
