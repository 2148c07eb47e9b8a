"""Filters at work: the open word of each row is read off its ids, and the tokens that may follow it are left."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import llguidance.torch
import torch
from llguidance import LLMatcher, LLParserLimits
from transformers import LogitsProcessor

from engine.errors import EngineError, shown
from engine.sampling.filters.language import STUCK, Wanted, asked, grammar, judges_words
from engine.settings import Settings
from engine.written import NOTHING, rejoins, writable_signs

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_LIMITS: dict[str, Any] = {"initial_lexer_fuel": 100_000_000, "step_lexer_fuel": 20_000_000}
_KEPT = 256  # open words whose tokens are remembered
_LOOK_BACK = 16  # tokens, at first
_INCREMENTAL = codecs.getincrementaldecoder("utf-8")


class Allowed(NamedTuple):
    """The tokens (vocabulary,) that may follow, and whether the text may end."""

    tokens: torch.Tensor
    end: bool


class WordFilter:
    """The filters of one moment for one model. Raises `EngineError` where they are beyond what can be judged."""

    def __init__(self, model: LoadedModel, wanted: Wanted) -> None:
        self.wanted = wanted
        self._device, self._size = model.device, model.vocabulary_size
        self._texts = torch.tensor([text != NOTHING for text in model.written], device=model.device)
        self._tokenizer = model.byte_tokenizer
        self._written, self._whole_words = model.written, judges_words(wanted)
        signs = writable_signs(model.written)
        # Silent: it would write to the terminal, over the screen.
        text = LLMatcher.grammar_from_lark(grammar(wanted, signs=signs, rejoined=rejoins(model)))
        self._beginning = LLMatcher(self._tokenizer, text, log_level=0, limits=LLParserLimits(**_LIMITS))
        self._check(self._beginning)
        self._known: dict[bytes, Allowed] = {}

    @property
    def names(self) -> str:
        """The settings, to be told."""
        return " and ".join(name for name, _ in self.wanted)

    def allowed(self, ids: torch.Tensor) -> Allowed:
        """What may follow these ids (length,), of which the last words are enough."""
        word = self._open_word(ids)
        if word not in self._known:
            if len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[word] = self._after(word)
        return self._known[word]

    def left(self) -> tuple[int, int]:
        """How many tokens may come where a word may begin, and how many there are."""
        return int(self._after(b"").tokens.sum()), self._size

    def may_end(self, ids: Sequence[int]) -> bool:
        """Whether a text of these ids may end as it stands."""
        return self.allowed(torch.tensor(ids)).end

    def _open_word(self, ids: torch.Tensor) -> bytes:
        """What stands after the last end of a word: its letters, and the bytes of a character that is not whole."""
        length, count = ids.shape[0], _LOOK_BACK
        while True:
            text, half = _whole(b"".join(self._written[i] for i in ids[-count:].tolist()))
            if not self._whole_words:
                return half
            start = len(text)
            while start and _is_of_word(text[start - 1]):
                start -= 1
            # The first characters may be the rest of one that was cut.
            if start > 3 or count >= length:
                return text[start:].lstrip("'’").encode() + half
            count *= 2

    def _after(self, word: bytes) -> Allowed:
        matcher = self._at(word)
        if matcher.is_error():
            matcher = self._at(STUCK.encode())
        mask = llguidance.torch.allocate_token_bitmask(1, self._tokenizer.vocab_size)
        end = matcher.is_accepting()
        llguidance.torch.fill_next_token_bitmask(matcher, mask)
        self._check(matcher)
        bits = (mask[0, :, None] >> torch.arange(32, dtype=torch.int32)) & 1
        return Allowed(self._texts & bits.flatten()[: self._size].bool().to(self._device), end)

    def _at(self, word: bytes) -> LLMatcher:
        matcher = self._beginning.deep_copy()
        matcher.consume_tokens([self._size + byte for byte in word])
        return matcher

    def _check(self, matcher: LLMatcher) -> None:
        if matcher.is_error():
            raise EngineError(f"{self.names}: cannot be judged: {shown(matcher.get_error().splitlines()[0])}")


class FilterLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Leaves each row the tokens that its filters allow; where a text may end, also those that end it."""

    def __init__(self, word_filter: WordFilter, ends: Sequence[int]) -> None:
        self._filter = word_filter
        self._ends = list(ends)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) for the token after `input_ids` (rows, length)."""
        after = [self._filter.allowed(ids) for ids in input_ids]
        tokens = torch.stack([one.tokens for one in after])
        if self._ends:
            tokens[:, [i for i in self._ends if i < tokens.shape[1]]] = torch.tensor(
                [[one.end] for one in after], device=tokens.device
            )
        return scores.masked_fill(~tokens, -float("inf"))


@dataclass
class Filtering:
    """One run's; without a model nothing is known of its tokens, so nothing is kept from coming."""

    model: LoadedModel | None = None
    current: WordFilter | None = None

    def processor(self, settings: Settings, ends: Sequence[int]) -> LogitsProcessor | None:
        """What these settings ask for; none where no filter is on."""
        wanted = asked(settings)
        if not wanted or self.model is None:
            self.current = None
            return None
        if self.current is None or self.current.wanted != wanted:
            self.current = WordFilter(self.model, wanted)
        return FilterLogitsProcessor(self.current, ends)


def _whole(written: bytes) -> tuple[str, bytes]:
    """The text, and the beginning of a character that is not whole at its end."""
    decoder = _INCREMENTAL(errors="replace")
    return decoder.decode(written), decoder.getstate()[0]


def _is_of_word(sign: str) -> bool:
    return sign in "'’" or unicodedata.category(sign)[0] in "LMN"
