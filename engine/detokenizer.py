"""Token ids to text, one token at a time: never half a character, never a space lost.

Byte-level BPE (GPT-2 and its kin) cuts characters in the middle, so a token's bytes may become text only when the
next one arrives. Other tokenizers put the space before a word only where something stands before it, so a token's
text depends on what came before.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from engine.tidy_detokenizer import TidyDetokenizer, spelling

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REPLACEMENT = "\ufffd"
# Tokens that are waited for until a character is whole. Four bytes would do, but U+FFFD itself may come, and twice.
_PATIENCE = 8
_CONTEXT = 8
_LONGEST_CHARACTER = 4  # bytes, so tokens at most


class Detokenizer(Protocol):
    """Turns the ids of one sequence into text; the pieces joined are the whole text."""

    def push(self, token_id: int) -> str:
        """The text that this token adds, possibly empty."""

    def flush(self) -> str:
        """What was held back, once no token follows."""


def detokenizer(tokenizer: PreTrainedTokenizerBase, before: Sequence[int] = ()) -> Detokenizer:
    """A detokenizer for a sequence that follows the ids `before`."""
    own = getattr(tokenizer, "detokenizer", None)
    if own is not None:
        detokenizing: Detokenizer = own(before)
        return detokenizing
    if is_byte_level(tokenizer):
        return ByteLevelDetokenizer(tokenizer, before)
    spelled = spelling(tokenizer)
    if spelled:
        return TidyDetokenizer(tokenizer, spelled, before)
    return WindowDetokenizer(tokenizer, before)


class ByteLevelDetokenizer:
    """For byte-level BPE: every token is a string of bytes, and Python's incremental decoder does the rest.

    Where `before` ends in half a character, the first tokens complete it.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._special = frozenset(tokenizer.get_added_vocab().values())
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for token_id in before[-_LONGEST_CHARACTER:]:
            self.push(token_id)

    @property
    def halved(self) -> bool:
        """Whether a character has begun and is not whole."""
        return bool(self._decoder.getstate()[0])

    def push(self, token_id: int) -> str:
        token = self._tokenizer.convert_ids_to_tokens(token_id)
        if token is None:  # an id beyond the vocabulary: models pad their output layer
            return ""
        if token_id in self._special:
            return self._decoder.decode(b"", final=True) + token
        return self._decoder.decode(token_bytes(token))

    def flush(self) -> str:
        return self._decoder.decode(b"", final=True)


class WindowDetokenizer:
    """For any other tokenizer: decode the new tokens after those that were told last, and tell the difference.

    Byte tokens in a row (`<0xE6>`) become text together or not at all. So nothing is told before its last character is
    whole, and what is decoded begins where a character does.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._pending: list[int] = []
        cuts = (list(before[-length:]) for length in range(_CONTEXT, 0, -1))
        # Told already, and there for the space before the next word alone.
        self._context = next((cut for cut in cuts if REPLACEMENT not in self._decode(cut)), [])

    def push(self, token_id: int) -> str:
        self._pending.append(token_id)
        undecided = self._decode(self._context + self._pending).endswith(REPLACEMENT)
        return "" if undecided and len(self._pending) < _PATIENCE else self.flush()

    def flush(self) -> str:
        new = self._decode(self._context + self._pending)[len(self._decode(self._context)) :]
        if REPLACEMENT in new:  # broken bytes, which may have spoilt what was told before them: they stand alone
            new = self._decode(self._pending)
        elif self._pending:
            self._context = self._pending
        self._pending = []
        return new

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, clean_up_tokenization_spaces=False)) if ids else ""


def is_byte_level(tokenizer: PreTrainedTokenizerBase) -> bool:
    """True where each token stands for bytes, as in GPT-2's vocabulary."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and type(backend.decoder).__name__ == "ByteLevel"


def token_bytes(token: str) -> bytes:
    """The bytes that a token of a byte-level vocabulary stands for; a sign outside the alphabet keeps its own."""
    alphabet = _byte_alphabet()
    return b"".join(bytes((alphabet[sign],)) if sign in alphabet else sign.encode() for sign in token)


def piece(tokenizer: PreTrainedTokenizerBase, token_id: int) -> str:
    """One token as text, its leading space kept, for lists of tokens; half characters show as U+FFFD."""
    token = tokenizer.convert_ids_to_tokens(token_id)
    if token is None:
        return f"[{token_id}]"
    if is_byte_level(tokenizer):
        special = token_id in tokenizer.get_added_vocab().values()
        return token if special else token_bytes(token).decode("utf-8", errors="replace")
    spelled = spelling(tokenizer)
    if spelled and not token.endswith("@@"):
        return spelled(token)
    text = str(tokenizer.decode([token_id], clean_up_tokenization_spaces=False))
    return f" {text}" if token.startswith("▁") and not text.startswith(" ") else text


@lru_cache(maxsize=1)
def _byte_alphabet() -> dict[str, int]:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return {sign: byte for byte, sign in bytes_to_unicode().items()}
