"""What a model's own writing is like: the share of its words that are English, and how often it repeats itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedModel

from engine.extras import need
from engine.models.embedded.sample import OPENINGS, continuations

TEMPERATURES = (0.3, 0.8, 1.2)
TEXTS_PER_OPENING = 16
TOKENS = 100
"""Of one text at most."""
COUNTED_WORDS = 50
"""Repetition is measured on so many first words, for a longer text repeats more; a shorter text is left out."""
COUNTED_TEXTS = 100
"""And over so many texts at most."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_CUT_WORDS = re.compile(r"^[\w'’-]+|[\w'’-]+$")


@dataclass(frozen=True, slots=True)
class Writing:
    """Counts over texts that were written at a temperature, or, with none, by people."""

    temperature: float | None
    words: tuple[int, ...]
    """Words that could be looked up, by opening: those in lower case, since a capital may begin a name."""
    english: tuple[int, ...]
    """How many of them are English words."""
    texts: int
    """Texts of at least `COUNTED_WORDS` words, over which repetition is measured."""
    within: tuple[float, float, float]
    """The mean share of a text's words, pairs and triples of words that are different from each other."""
    over_all: tuple[float, float, float]
    """The same of all these texts taken together."""

    @property
    def english_share(self) -> float:
        return sum(self.english) / max(1, sum(self.words))


def writing(model: PreTrainedModel, tokenizer: Tokenizer, temperature: float) -> Writing:
    """Let a model carry on each opening several times, opening i with seed i, and count."""
    texts = [written(model, tokenizer, number, temperature) for number in range(len(OPENINGS))]
    return counts(temperature, texts)


def written(model: PreTrainedModel, tokenizer: Tokenizer, number: int, temperature: float) -> list[str]:
    """The texts that carry on opening `number`."""
    return continuations(
        model,
        tokenizer,
        OPENINGS[number],
        seed=number,
        temperature=temperature,
        length=TOKENS,
        count=TEXTS_PER_OPENING,
    )


def counts(temperature: float | None, texts_by_opening: Sequence[Sequence[str]]) -> Writing:
    """Count the words of texts. Raises `EngineError` without the library of English words."""
    looked_up = [lower_case_words(texts) for texts in texts_by_opening]
    english = english_words(set(chain.from_iterable(looked_up)))
    long = [words for words in map(all_words, chain.from_iterable(texts_by_opening)) if len(words) >= COUNTED_WORDS]
    step = max(1, len(long) // COUNTED_TEXTS)  # spread, so that every opening is among them
    first = [words[:COUNTED_WORDS] for words in long[::step][:COUNTED_TEXTS]]
    return Writing(
        temperature=temperature,
        words=tuple(map(len, looked_up)),
        english=tuple(sum(word in english for word in words) for words in looked_up),
        texts=len(first),
        within=tuple(_mean([distinct([words], n) for words in first]) for n in (1, 2, 3)),  # type: ignore[arg-type]
        over_all=tuple(distinct(first, n) for n in (1, 2, 3)),  # type: ignore[arg-type]
    )


def all_words(text: str) -> list[str]:
    """Runs of letters, also with apostrophes in them, in lower case; what a hyphen joins is several words.

    Letters at either end of the text are left out: they may be a part of a word.
    """
    return [word.lower() for word in _whole(text)]


def lower_case_words(texts: Sequence[str]) -> list[str]:
    """The words that can be looked up: in lower case, without a possessive ending."""
    return [word.removesuffix("'s") for text in texts for word in _whole(text) if word.islower()]


def english_words(words: set[str]) -> set[str]:
    """Those in pyspellchecker's list, in American spelling; of single letters only `a` and `o`, for it has them all."""
    known = _known_words()
    return {word for word in words if word in known and (len(word) > 1 or word in "ao")}


def distinct(texts: Sequence[Sequence[str]], size: int) -> float:
    """The share of n-grams of `size` words that are different (Li et al. 2016, "A Diversity-Promoting Objective
    Function for Neural Conversation Models"); none goes from one text into the next.
    """
    grams = [tuple(words[i : i + size]) for words in texts for i in range(len(words) - size + 1)]
    return len(set(grams)) / max(1, len(grams))


@cache
def _known_words() -> Any:
    return need("spellchecker", "counting English words").SpellChecker(language="en", distance=1)


def _whole(text: str) -> Iterator[str]:
    return (match.group() for match in _WORD.finditer(_CUT_WORDS.sub("", text).replace("’", "'")))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))
