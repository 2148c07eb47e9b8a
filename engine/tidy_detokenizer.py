"""Text of the older word-piece tokenizers (OpenAI GPT, CTRL, XLM, XLNet), as their decoding tidies it.

Decoding joins the pieces, strips the whole, and takes the spaces away that tokenisation put before punctuation and
in contractions ("did n't ." becomes "didn't."). So what a token adds can change with those that follow: a space at
the end is lost, "n" becomes part of "n't". This detokenizer tells each token's text as soon as nothing that may still
come can change it, and never takes anything back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# In this order: the tidying is a chain of replacements. It is the library's clean_up_tokenization.
_TIDIED = (
    *((f" {sign}", sign) for sign in ".?!,"),
    (" ' ", "'"),
    *((f" {end}", end) for end in ("n't", "'m", "'s", "'ve", "'re")),
)
# The end of a text that what follows may still change: spaces, and what may begin a contraction ("n ' t") after them.
_OPEN = re.compile(r"\s+(?:'\s+)*(?:n(?:\s+'?\s*|'\s*)?|'?[vr]?)\Z")
_REACH = 8  # signs that one replacement spans at most, with the space behind it
_CONTEXT = 256
_HALF_WORD = "@@"  # CTRL: the word goes on with the next token


def _suffixed(token: str) -> str:
    return token.replace("</w>", " ")


def _prefixed(token: str) -> str:
    return token.replace("▁", " ")


def _continued(token: str) -> str:
    return token.removesuffix(_HALF_WORD) if token.endswith(_HALF_WORD) else f"{token} "


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "CTRLTokenizer": _continued,
    "OpenAIGPTTokenizer": _suffixed,
    "XLMTokenizer": _suffixed,
    "XLNetTokenizer": _prefixed,
}


def spelling(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], str] | None:
    """How one of these tokenizers writes a token, spaces and all; None for any other tokenizer."""
    return _SPELLINGS.get(type(tokenizer).__name__)


def tidied(text: str) -> str:
    """The text without the spaces that tokenisation put there."""
    for untidy, tidy in _TIDIED:
        text = text.replace(untidy, tidy)
    return text


class TidyDetokenizer:
    """Joins and tidies as it goes; the pieces joined are what decoding the whole gives after the ids `before`."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, spelled: Callable[[str], str], before: Sequence[int] = ()
    ) -> None:
        self._tokenizer = tokenizer
        self._spelled = spelled
        self._begun = False  # a space at the very beginning is lost
        self._held = ""  # what may still change, untidied
        self._told = ""  # how much of it was told already, tidied
        self._half_word = False
        for token_id in before[-_CONTEXT:]:
            self.push(token_id)
        # What was held back there has been told at that text's end, as it stood.
        self._told = tidied(self._held.rstrip())
        self._half_word = False

    def push(self, token_id: int) -> str:
        token = self._tokenizer.convert_ids_to_tokens(token_id)
        if token is None:  # an id beyond the vocabulary: models pad their output layer
            return ""
        self._half_word = self._spelled is _continued and token.endswith(_HALF_WORD)
        self._held += self._spelled(token)
        if not self._begun:
            self._held = self._held.lstrip()
            self._begun = bool(self._held)
        open_end = _OPEN.search(self._held)
        settled = self._held[: open_end.start()] if open_end else self._held
        new = ""
        if settled:
            text = tidied(settled)
            more = self._told[len(text) :] if self._told.startswith(text) else ""
            new = self._tell(text)
            self._held, self._told = self._held[len(settled) :], more
        return new + self._tell(tidied(self._held).rstrip()[:-_REACH])

    def flush(self) -> str:
        mark = _HALF_WORD if self._half_word else ""
        self._half_word = False
        return self._tell(tidied((self._held + mark).rstrip()))

    def _tell(self, text: str) -> str:
        """What `text` adds to that which was told of it."""
        if self._told.startswith(text):
            return ""
        told = len(self._told)
        if not text.startswith(self._told):  # a space that the text before ended with is tidied away by what follows
            signs = len("".join(self._told.split()))
            match = re.match(rf"(?:\s*\S){{{signs}}}", text)
            told = match.end() if match else len(text)
        self._told = text
        return text[told:]
