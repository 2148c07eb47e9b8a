"""The bytes that each token writes where it follows others: what a filter of letters and words goes by.

Unlike `piece`, nothing of it depends on what stands before, and half characters stay the bytes that they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.detokenizer import is_byte_level, token_bytes
from engine.tidy_detokenizer import spelling

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

NOTHING = b"\xff"
"""What stands for a token that is no text: no text in UTF-8 has this byte."""
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def written(model: LoadedModel) -> list[bytes]:
    """For each id of the model's vocabulary its bytes, or `NOTHING` for a special token or one without text."""
    tokenizer, size = model.tokenizer, model.vocabulary_size
    known = min(size, len(tokenizer))
    tokens = tokenizer.convert_ids_to_tokens(list(range(known)))
    if is_byte_level(tokenizer):
        added = frozenset(tokenizer.get_added_vocab().values())
        found = [(token or "").encode() if i in added else token_bytes(token or "") for i, token in enumerate(tokens)]
    else:
        found = [text.encode() for text in _texts(tokenizer, tokens)]
        found = [_byte(token) or text for token, text in zip(tokens, found, strict=True)]
    bare = [NOTHING if i in model.special_ids or not text else text for i, text in enumerate(found)]
    return bare + [NOTHING] * (size - known)


def writable_signs(tokens: list[bytes]) -> str | None:
    """The characters that can be written one by one, also within a word; None where all can, byte by byte.

    Where no word goes on in another token, each token says itself what it can write: None too.
    """
    there = frozenset(tokens)
    whole_words = not any(text[-1] >= 0x80 or text[-1:].isalpha() for text in there - {NOTHING})
    if whole_words or all(bytes([byte]) in there for byte in range(0x80, 0xC0)):
        return None
    return "".join(sorted({text.decode() for text in there if _is_sign(text)}))


def byte_tokenizer(tokens: list[bytes]) -> Any:
    """The vocabulary by what it writes, as llguidance reads it; after it come the 256 single bytes, and an end."""
    from llguidance import LLTokenizer, TokenizerWrapper

    everything = [*tokens, *(bytes([byte]) for byte in range(256)), NOTHING + b"end"]
    return LLTokenizer(TokenizerWrapper(_Vocabulary(everything)), slices=[])


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What llguidance asks of a tokenizer; nothing is ever tokenised by it."""

    tokens: list[bytes]
    bos_token_id: None = None

    @property
    def eos_token_id(self) -> int:
        return len(self.tokens) - 1

    def __call__(self, text: bytes) -> list[int]:
        return [self.eos_token_id - 256 + byte for byte in text]


def rejoins(model: LoadedModel) -> bool:
    """Whether decoding puts contractions together again that are tokens apart: `did n't`, `it 's`."""
    return spelling(model.tokenizer) is not None or hasattr(model.tokenizer, "detokenizer")


def _texts(tokenizer: Any, tokens: list[str | None]) -> list[str]:
    spelled = spelling(tokenizer)
    if spelled:
        return [spelled(token or "") for token in tokens]
    alone = [str(text) for text in tokenizer.batch_decode([[i] for i in range(len(tokens))])]
    if hasattr(tokenizer, "detokenizer"):  # whole words; those of scripts without spaces would be run together
        return ["" if _is_run_together(text) else f"{text} " for text in alone]
    decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    suffix = getattr(decoder, "suffix", None)  # as in `</w>`
    if isinstance(suffix, str):
        return [(token or "").replace(suffix, " ") for token in tokens]
    texts = _after_a_letter(tokenizer, alone)
    if any(text[:1].isalpha() for text in texts):
        return texts
    return [f"{text.strip()} " for text in texts]  # whole words again: none can go on, so each ends at once


def _after_a_letter(tokenizer: Any, alone: list[str]) -> list[str]:
    """What each token adds after a token that is a plain letter: most tokenizers lose a space at the beginning."""
    anchor = next((i for i, text in enumerate(alone) if len(text) == 1 and text.isalpha()), None)
    if anchor is None:
        anchor = next((i for i, text in enumerate(alone) if text.isalpha()), 0)
    pairs = tokenizer.batch_decode([[anchor, i] for i in range(len(alone))], clean_up_tokenization_spaces=False)
    before = str(tokenizer.decode([anchor], clean_up_tokenization_spaces=False))
    return [str(text)[len(before) :] for text in pairs]


def _is_sign(text: bytes) -> bool:
    try:
        return len(text.decode()) == 1
    except UnicodeDecodeError:
        return False


def _is_run_together(text: str) -> bool:
    from sacremoses.util import is_cjk  # type: ignore[import-untyped]

    return any(is_cjk(sign) for sign in text)


def _byte(token: str | None) -> bytes:
    """The byte that a sentencepiece vocabulary falls back to."""
    found = _BYTE.fullmatch(token or "")
    return bytes([int(found[1], 16)]) if found else b""
