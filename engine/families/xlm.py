"""XLM (Lample & Conneau 2019): cross-lingual models that are told the language of each token.

Each step sees the text, with a mask token after it, and reads what the model would put there. Checkpoints with
`causal` look back only, so their past can be kept; the others see both ways and read everything again at each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.errors import PromptError, shown
from engine.events import Note, Prepared
from engine.families.causal_lm import Choices, Family, prefix_ignored
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_NO_CACHE = Note(
    "info",
    "no-cache",
    "This XLM model sees the text in both directions, so nothing can be kept from one token to the next: "
    "a step costs more the longer the text is.",
)


class XLM(Family):
    """Cross-lingual models, causal and masked."""

    name = "xlm"
    model_types = ("xlm",)
    vocabulary = ("vocab.json", "merges.txt")
    marks = False

    def before(self, settings: Settings) -> str:
        return ""

    def prepare(self, model: LoadedModel, prompt: str, settings: Settings) -> Prepared:
        self.check(model, settings)
        return super().prepare(model, prompt, settings)

    def check(self, model: LoadedModel, settings: Settings) -> None:
        if languages(model) and not settings.xlm_language.strip():
            raise PromptError(f"xlm_language: this model wants to know the language; {_one_of(model)}")

    def set_up(self, model: LoadedModel, settings: Settings) -> tuple[Note, ...]:
        """Set the language. Ids without one get the first, as in the library."""
        notes = [] if model.model.config.causal else [_NO_CACHE]
        known = languages(model)
        if known:
            wanted = settings.xlm_language.strip()
            name = _found(known, wanted) if wanted else next(iter(known))
            if name is None:
                raise PromptError(f"xlm_language {shown(wanted)}: unknown; {_one_of(model)}")
            model.model.config.lang_id = known[name]
            notes.append(Note("info", "xlm-language", f"The language is {name}, of {', '.join(known)}."))
        return tuple(notes)

    @contextmanager
    def kept(self, model: LoadedModel) -> Iterator[None]:
        language = model.model.config.lang_id
        try:
            yield
        finally:
            model.model.config.lang_id = language

    def notes(self, model: LoadedModel, prompt: str, ids: tuple[int, ...], settings: Settings) -> tuple[Note, ...]:
        return prefix_ignored("XLM", settings)

    def choices(self, model: LoadedModel) -> Choices | None:
        known = languages(model)
        return Choices("Language", tuple(known), "xlm_language") if known else None


def languages(model: LoadedModel) -> dict[str, int]:
    """Name to number of the model's languages, by number; empty where it has no language embeddings."""
    config = model.model.config
    if not config.use_lang_emb or config.n_langs < 2:
        return {}
    told = getattr(config, "lang2id", None) or getattr(model.tokenizer, "lang2id", None)
    pairs = told.items() if isinstance(told, dict) else ()
    known = {str(name): number for name, number in pairs if number in range(config.n_langs)}
    # A checkpoint that does not name its languages: their numbers do.
    known = known or {str(number): number for number in range(config.n_langs)}
    return dict(sorted(known.items(), key=lambda pair: pair[1]))


def _found(known: dict[str, int], wanted: str) -> str | None:
    return next((name for name in known if name.lower() == wanted.lower()), None)


def _one_of(model: LoadedModel) -> str:
    return f"must be one of {', '.join(languages(model))}"
