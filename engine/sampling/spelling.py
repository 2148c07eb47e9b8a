"""What words are as tokens: with a space before them, as a text goes on, and without one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import SettingError, shown

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

Phrase = tuple[int, ...]


@dataclass
class Spelling:
    """One run's; without a model no word can be spelled, so none is kept from coming."""

    model: LoadedModel | None = None
    _known: dict[str, tuple[Phrase, ...]] = field(default_factory=dict)

    def forms(self, word: str) -> tuple[Phrase, ...]:
        """The different phrases of ids that `word` stands for; none where the vocabulary cannot spell it.

        After a `=`, and where a space is there already, a word is exactly this form.
        """
        if word not in self._known:
            exact = word.startswith("=") and len(word) > 1
            texts = [word[1:]] if exact else [word] if word[0].isspace() else [word, f" {word}"]
            spelled = (self._spelled(text) for text in texts)
            self._known[word] = tuple(dict.fromkeys(phrase for phrase in spelled if phrase))
        return self._known[word]

    def phrases(self, words: Iterable[str]) -> tuple[Phrase, ...]:
        """All forms of all words, each once."""
        return tuple(dict.fromkeys(phrase for word in words for phrase in self.forms(word)))

    def word(self, word: str) -> tuple[Phrase, ...]:
        """The forms as alternatives of which one must come: none of them begins another. Raises `SettingError`."""
        forms = self.forms(word)
        if not forms:
            raise SettingError(f"force_words {shown(word)}: this model's vocabulary cannot spell it")
        return tuple(a for a in forms if not any(a is not b and a[: len(b)] == b for b in forms))

    def piece(self, token_id: int) -> str:
        """One token as text."""
        return self.model.piece(token_id) if self.model else ""

    def _spelled(self, text: str) -> Phrase:
        if self.model is None or any("\ud800" <= sign <= "\udfff" for sign in text):
            return ()
        tokenizer = self.model.tokenizer
        ids = tuple(tokenizer.encode(text, add_special_tokens=False))
        # A token for whatever is unknown stands for every such word, and some tokenizers know more than the model.
        unknown = tokenizer.unk_token_id in ids and text.strip() != tokenizer.unk_token
        unspellable = unknown or any(i >= self.model.vocabulary_size for i in ids)
        return () if unspellable else ids
