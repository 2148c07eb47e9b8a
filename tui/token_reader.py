"""Texts and tokens without the model's thread: a tokenizer of its own, used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.events import Begun
from engine.settings import Settings
from engine.vocabulary import VocabularyToken, found

if TYPE_CHECKING:
    from engine.inspection import TextToken
    from engine.models.loaded import LoadedModel


class TokenReader:
    """Made where the model was loaded; the library's tokenizers are not made to be used by two threads at once."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model.without_weights()
        self._vocabulary: list[VocabularyToken] = []
        self._lock = threading.Lock()

    @property
    def has_template(self) -> bool:
        """Whether the model can be asked in a chat."""
        from engine.chat_template import has_template

        return has_template(self._model.tokenizer)

    def count(self, text: str, settings: Settings) -> int:
        """How many tokens a prompt has, with what is put around it under these settings. Raises `PromptError`."""
        from engine.chat import encoded, made

        with self._lock:
            if settings.chat:
                tokenizer = self._model.tokenizer
                return len(encoded(tokenizer, made(tokenizer, Begun(text), settings).text))
            return len(self._model.family.encode(self._model, settings.prefix + text))

    def tokens(self, text: str, settings: Settings) -> list[TextToken]:
        """The tokens of a text as it stands, in a chat with its template around it. Raises `PromptError`."""
        from engine.chat import made
        from engine.generation import check_text
        from engine.inspection import tokens

        check_text(text)
        with self._lock:
            if settings.chat:
                text = made(self._model.tokenizer, Begun(text), settings).text
            return tokens(self._model, text)

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of these ids. Raises `PromptError`."""
        from engine.inspection import text_of

        with self._lock:
            return text_of(self._model, ids)

    def search(self, query: str) -> tuple[list[VocabularyToken], int]:
        """What a search finds, and how many tokens there are. Raises `QueryError`."""
        from engine.inspection import vocabulary

        with self._lock:
            self._vocabulary = self._vocabulary or vocabulary(self._model)
            return found(self._vocabulary, query), len(self._vocabulary)
