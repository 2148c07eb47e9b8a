"""The shapes of values that are lists of lists: each check gives the immutable form, or raises `ValueError`."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Phrase = tuple[int, ...]
GreenMark = tuple[float, float, int, str, int]
# The library's names and defaults, in the order in which a mark has them.
_GREEN: dict[str, Any] = {
    "greenlist_ratio": 0.25,
    "bias": 2.0,
    "hashing_key": 15_485_863,
    "seeding_scheme": "lefthash",
    "context_width": 1,
}


class SynthIDMark(NamedTuple):
    """The library's names and defaults again."""

    ngram_len: int
    keys: Phrase
    context_history_size: int = 1024
    sampling_table_seed: int = 0
    sampling_table_size: int = 2**16
    skip_first_ngram_calls: bool = False
    debug_mode: bool = False


Watermark = GreenMark | SynthIDMark


def forced_words(value: Any) -> tuple[tuple[Phrase, ...], ...]:
    """Words, each one phrase of ids or several alternatives, none of which begins another."""
    words = []
    for word in _items(value):
        nested = all(isinstance(part, Sequence) for part in _items(word))
        phrases = tuple(phrase(part) for part in word) if nested else (phrase(word),)
        if any(a is not b and b[: len(a)] == a for a in phrases for b in phrases):
            raise ValueError("one of the alternatives begins another")
        words.append(phrases)
    return tuple(words)


def constraints(value: Any) -> tuple[tuple[Phrase, ...], ...]:
    """As forced words, also from the objects that older releases of the library had for them."""
    return forced_words([getattr(item, "token_ids", item) for item in _items(value)])


def phrases(value: Any) -> tuple[Phrase, ...]:
    """Phrases of ids."""
    return tuple(phrase(item) for item in _items(value))


def biases(value: Any) -> tuple[tuple[Phrase, float], ...]:
    """Phrases with a number each, as rows or as the mapping that the library takes too."""
    rows = list(value.items()) if isinstance(value, Mapping) else _items(value)
    found = []
    for ids, bias in rows:
        if isinstance(bias, bool) or not math.isfinite(bias):
            raise ValueError("not a number")
        found.append((phrase(ids), float(bias)))
    if not found:
        raise ValueError("nothing in it")
    return tuple(found)


def word_biases(value: Any) -> tuple[tuple[str, float], ...]:
    """Words with a number each: pairs, rows such as `word:+2.5` (one of them may come alone), or a mapping."""
    rows = [value] if isinstance(value, str) else list(value.items()) if isinstance(value, Mapping) else _items(value)
    found = []
    for row in rows:
        word, bias = _row(row) if isinstance(row, str) else row
        if not isinstance(word, str) or not word or isinstance(bias, bool) or not math.isfinite(bias):
            raise ValueError("not a word and a number")
        found.append((word, float(bias)))
    if not found:
        raise ValueError("nothing in it")
    return tuple(found)


def forced_places(value: Any) -> tuple[tuple[int, int], ...]:
    """Pairs of a place and the id that stands there."""
    pairs = tuple(phrase(pair) for pair in _items(value))
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("not pairs")
    return tuple((pair[0], pair[1]) for pair in pairs)


def watermark(value: Any) -> Watermark:
    """From `on`, a mapping of some of the fields of either kind, or all of them in their order."""
    if value is True or value == "on":
        value = {}
    if not isinstance(value, Mapping):
        synthid = len(_items(value)) == len(SynthIDMark._fields)
        value = dict(zip(SynthIDMark._fields if synthid else _GREEN, value, strict=True))
    if not value.keys().isdisjoint(SynthIDMark._fields):
        return _synthid(SynthIDMark(**value))
    if value.keys() - _GREEN.keys():
        raise ValueError("not a field of a watermark")
    ratio, bias, key, scheme, width = (_GREEN | dict(value)).values()
    if any(isinstance(number, bool) for number in (ratio, bias)) or not 0 < ratio < 1 or not math.isfinite(bias):
        raise ValueError("not a share and a bias")
    if scheme not in ("lefthash", "selfhash") or phrase([key, width])[0] >= 2**31 or not 0 < width < 100 or not key:
        raise ValueError("not a key, a scheme and a width")
    return float(ratio), float(bias), key, scheme, width


def _synthid(mark: SynthIDMark) -> SynthIDMark:
    keys = phrase(mark.keys)
    if len(keys) > 100 or max(*keys, *phrase([mark.sampling_table_seed, 0])) >= 2**63:
        raise ValueError("not keys and a seed")
    width, history, size = phrase([mark.ngram_len, mark.context_history_size, mark.sampling_table_size])
    if not 1 < width < 100 or not 0 < history <= 2**16 or not 0 < size <= 2**24:
        raise ValueError("not a length of n-grams and sizes")
    if not isinstance(mark.skip_first_ngram_calls, bool) or not isinstance(mark.debug_mode, bool):
        raise ValueError("not on or off")
    return mark._replace(keys=keys)


def green_fields(mark: GreenMark) -> dict[str, Any]:
    """By the library's names."""
    return dict(zip(_GREEN, mark, strict=True))


def options(value: Any) -> tuple[tuple[str, Any], ...] | None:
    """Names with a value each, from a mapping, an object that gives one, or pairs; None where there are none."""
    told = value.to_dict() if hasattr(value, "to_dict") else value
    pairs = list(told.items()) if isinstance(told, Mapping) else _items(told)
    found = {name: _frozen(item) for name, item in pairs if item is not None}
    if not all(isinstance(name, str) for name in found):
        raise ValueError("not a name")
    return tuple(sorted(found.items())) or None


def decay(value: Any) -> tuple[int, float]:
    """From which new token on, and the factor."""
    start, factor = _items(value)
    if isinstance(factor, bool) or not math.isfinite(factor) or factor <= 0:
        raise ValueError("not a factor")
    return phrase([start])[0], float(factor)


def layers(value: Any) -> str | tuple[int, ...]:
    """`low`, `high`, or the numbers of layers."""
    return value if value in ("low", "high") else phrase(value)


def phrase(value: Any) -> Phrase:
    """At least one whole number, none below 0."""
    ids = tuple(_items(value))
    if any(isinstance(item, bool) or not isinstance(item, int) or item < 0 for item in ids):
        raise ValueError("not a whole number")
    return ids


def _frozen(value: Any) -> Any:
    """A JSON value with tuples for its lists. Raises `TypeError` for any other."""
    if isinstance(value, Mapping):
        return {str(name): _frozen(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise TypeError


def _row(text: str) -> tuple[str, float]:
    """The word and the number after the last colon."""
    word, _, bias = text.rpartition(":")
    return word, float(bias)


def _items(value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise ValueError("not a list with something in it")
    return value


def regex(value: str) -> None:
    """A regular expression; `ValueError` says what is wrong with it."""
    from llguidance import LLMatcher

    _accepted(LLMatcher, LLMatcher.grammar_from_regex(value))


def letters(value: str) -> None:
    """Letters alone, with their marks."""
    composed = unicodedata.normalize("NFC", value)
    if not all(sign.isalpha() for sign in composed):
        raise ValueError("must be letters, one after the other")


def json_schema(value: str) -> None:
    """A JSON schema; `ValueError` says what is wrong with it."""
    from llguidance import LLMatcher

    _accepted(LLMatcher, LLMatcher.grammar_from_json_schema(value))


def grammar(value: str) -> None:
    """A grammar in Lark's notation; `ValueError` says what is wrong with it."""
    from llguidance import LLMatcher

    _accepted(LLMatcher, LLMatcher.grammar_from_lark(value))


def _accepted(matcher: Any, made: str) -> None:
    wrong = matcher.validate_grammar(made)
    if wrong:
        lines = [line.strip() for line in wrong.splitlines()]
        # The last line but the drawing says what it is, the first where.
        told = [line for line in lines if line.strip("^| ") and not line[0].isdigit()]
        raise ValueError((told or lines)[-1])
