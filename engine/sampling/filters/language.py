"""The filters as a grammar: which texts, from a word's beginning on, have allowed words alone.

It is regular, so that llguidance knows of every beginning whether an allowed text begins so: no word is begun that
cannot be ended.
"""

from __future__ import annotations

import re
import unicodedata

from engine.sampling.filters.letters import allowed_class, character_class, forbidden_class, forbidden_sequences
from engine.settings import Settings
from engine.settings.filters import FILTERS
from engine.settings.word_list import words_of

Wanted = tuple[tuple[str, object], ...]
STUCK = "\U0010ffff"
"""No character: stands for a word that began before the filters did, as no allowed word begins. It may only end."""
# Otherwise a character that must come would be left one way of being written.
_HEAD = ('%llguidance {"no_forcing": true}', "start: TEXT")
_LETTERS = frozenset({"forbid_letters", "allow_letters"})
_SIGN = r"\p{L}\p{M}\p{N}"
_APOSTROPHE = "['’]"
_WORD = rf"/[{_SIGN}]+({_APOSTROPHE}[{_SIGN}]+)*/"


def asked(settings: Settings) -> Wanted:
    """(name, value) of the filters that are on."""
    return tuple((name, value) for name in FILTERS if (value := getattr(settings, name)))


def judges_words(wanted: Wanted) -> bool:
    """Whether a word is judged as a whole; letters are judged one by one."""
    return any(name not in _LETTERS for name, _ in wanted)


def grammar(wanted: Wanted, *, signs: str | None = None, rejoined: bool = False) -> str:
    """The grammar in Lark's notation.

    `signs` are those that a vocabulary can write one by one, if not all: a word of others might be begun in vain.
    `rejoined`: decoding puts contractions together that are apart in the tokens; they would be words that nobody
    judged, so an apostrophe after a space is kept out. Raises `SettingError` for a list that cannot be read.
    """
    values = dict(wanted)
    letters = _by_letters(str(values.get("forbid_letters", "")), str(values.get("allow_letters", "")))
    if not judges_words(wanted):
        return "\n".join([*_HEAD, f"TEXT: {' & '.join(letters)}"])
    terminals, rules = _by_words(values)
    rules += [rf"~/n{_APOSTROPHE}t(?s:.*)/", *letters] if rejoined else letters
    text = ["WORDS", *([rf"~/((?s:.*)\s)?{_APOSTROPHE}(?s:.*)/"] if rejoined else [])]
    between = rf"[^{_SIGN}'’\u{{10ffff}}]"
    lines = [
        *_HEAD,
        *terminals,
        f"WORD: {' & '.join([_WORD, *rules])}",
        # A single apostrophe joins what it stands between.
        rf"BETWEEN: /{_APOSTROPHE}{{2,}}|{_APOSTROPHE}*{between}({_APOSTROPHE}|{between})*/",
        rf"EDGE: /[^{_SIGN}\u{{10ffff}}]*/",
        r"WORDS: EDGE | (EDGE WORD | /\u{10ffff}/) (BETWEEN WORD)* EDGE",
        f"TEXT: {' & '.join([*text, *letters, *_writable(signs)])}",
    ]
    return "\n".join(lines)


def _by_letters(forbidden: str, allowed: str) -> list[str]:
    """What all of the text must be."""
    rules = [rf"/[^{forbidden_class(forbidden)}]*/"] if forbidden else []
    rules += [rf"~/(?s:.*){sequence}(?s:.*)/i" for sequence in forbidden_sequences(forbidden)]
    return rules + ([rf"/([^\p{{L}}]|[{allowed_class(allowed)}])*/"] if allowed else [])


def _by_words(values: dict[str, object]) -> tuple[list[str], list[str]]:
    """Terminals, and the rules that a word must keep."""
    terminals, rules = [], []
    shortest, longest = values.get("min_word_length", 0), values.get("max_word_length", "")
    if shortest or longest:
        rules.append(rf"/(\p{{M}}*[\p{{L}}\p{{N}}][\p{{M}}'’]*){{{shortest},{longest}}}/")
    for name, mark in (("forbid_pattern", "~"), ("allow_pattern", "")):
        if name in values:
            terminals.append(f"{name.upper()}: /{_escaped(str(values[name]))}/")
            rules.append(mark + name.upper())
    if "word_list" in values:
        words = "|".join(words_of(str(values["word_list"])))
        terminals.append(f"LISTED: /{re.sub(_APOSTROPHE, _APOSTROPHE, words)}/i")
        rules.append("LISTED")
    return terminals, rules


def _writable(signs: str | None) -> list[str]:
    if signs is None:
        return []
    of_words = "".join(sign for sign in signs if unicodedata.category(sign)[0] in "LMN")
    return [rf"/([^{_SIGN}]{f'|[{character_class(of_words)}]' if of_words else ''})*/"]


def _escaped(pattern: str) -> str:
    """A regular expression as it stands between slashes on a line."""
    slashes = re.sub(r"\\?/", r"\\x2f", re.sub(r"\\\\", r"\\x5c", pattern))
    return slashes.replace("\n", "\\n").replace("\r", "\\r")
