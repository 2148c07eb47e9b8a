"""Words to text, one at a time: the pieces joined are what the tokenizer makes of all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sacremoses import MosesDetokenizer  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from engine.families.transfo_xl.tokenizer import TransfoXLTokenizer

_SIGNS = ("@-@", "@,@", "@.@")  # what stands between the parts of a word or number; they wait for the second part
_LONGEST = 48
_TAIL = 12
_PATIENCE = 8


class WordStream:
    """A `Detokenizer` for a sequence that follows the ids `before`.

    Moses looks at the word before, at what a sign joins, and at whether a quotation mark is open. So the last words
    are enough to tell what the next one adds, with the marks that were open before them put in front.
    """

    def __init__(self, tokenizer: TransfoXLTokenizer, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._pending: list[str] = []
        self._words: list[str] = []
        self._told = ""
        for start in range(0, len(before), _TAIL):
            self._words += self._symbols(before[start : start + _TAIL])
            self._forget()

    def push(self, token_id: int) -> str:
        """The text that this token adds; empty for a sign, which shows with the word after it."""
        self._pending += self._symbols([token_id])
        waits = bool(self._pending) and self._pending[-1] in _SIGNS and len(self._pending) < _PATIENCE
        return "" if waits else self.flush()

    def flush(self) -> str:
        """What was held back."""
        if not self._pending:
            return ""
        whole = self._text(self._words + self._pending)
        # A hyphen may turn punctuation that was told as such into a word. What was told stays told.
        new = whole[len(self._told) :] if whole.startswith(self._told) else " " + self._text(self._pending)
        self._words += self._pending
        self._pending, self._told = [], whole
        self._forget()
        return new

    def _forget(self) -> None:
        """Keep the last words alone where they have become many."""
        if len(self._words) > _LONGEST:
            cut = len(self._words) - _TAIL
            while cut and (self._words[cut] in _SIGNS or self._words[cut - 1] in _SIGNS or _is_quote(self._words[cut])):
                cut -= 1
            head = self._words[:cut]
            self._words = [*self._open(head), *self._words[cut:]]
        self._told = self._text(self._words)

    def _open(self, words: list[str]) -> list[str]:
        """The quotation marks that are open after these words: those that one more would close."""
        marks = dict.fromkeys(word for word in words if _is_quote(word))
        return [mark for mark in marks if self._text([*words, "x", mark, "x"]).endswith(f"x{mark} x")]

    def _symbols(self, ids: Sequence[int]) -> list[str]:
        return [token for token in self._tokenizer.convert_ids_to_tokens(list(ids)) if token is not None]

    def _text(self, words: list[str]) -> str:
        return self._tokenizer.convert_tokens_to_string(list(words))


def _is_quote(word: str) -> bool:
    return MosesDetokenizer.IS_OPEN_QUOTE.search(word) is not None
