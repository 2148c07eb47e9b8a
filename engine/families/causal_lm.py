"""Any model that transformers' AutoModelForCausalLM opens, and what all families share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import PromptError
from engine.events import Note, Prepared
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel


_TRAILING_SPACE = Note(
    "info",
    "trailing-space",
    "The prompt ends with a space. Models put the space before a word themselves, so it reads better without.",
)


class Family:
    """How one family of models wants its prompts.

    `model_types` are the values of `model_type` in a checkpoint's config that belong to it.
    """

    name: str
    model_types: tuple[str, ...] = ()

    def prepare(self, model: LoadedModel, prompt: str, settings: Settings) -> Prepared:
        """The prompt as the model gets it. An empty one becomes the start token; `PromptError` without one."""
        text = settings.prefix + prompt
        ids = list(model.tokenizer.encode(text))
        if not ids:
            start = model.model.generation_config.bos_token_id
            if start is None:
                start = model.tokenizer.bos_token_id
            if start is None:
                raise PromptError("the prompt is empty, and this model has no token to start from: type something")
            ids = [start]
        notes = (_TRAILING_SPACE,) if prompt.endswith(" ") and prompt.strip() else ()
        return Prepared(text, tuple(ids), notes)


class CausalLM(Family):
    """The catch-all."""

    name = "auto"
