"""Which words may be written at all: by their letters, their length, a regular expression, a list."""

from __future__ import annotations

from dataclasses import dataclass, fields

from engine.settings.declaration import declare, declare_text
from engine.settings.shapes import letters, regex
from engine.settings.word_list import word_list

_LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50)


@dataclass(frozen=True, kw_only=True)
class FilterSettings:
    """They act under every strategy, and together: a word must pass all of them.

    A word is a run of letters, marks and digits, with apostrophes between them (`don't`). One that the prompt ends in
    counts with what stands there; where no allowed word begins so, it may only end. A text that reaches its length may
    break off within a word.
    """

    forbid_letters: str = declare_text(
        live=True,
        shape=letters,
        takes="letters",
        help="A lipogram: these letters never come, in any case; e forbids é too, é forbids itself alone.",
    )
    allow_letters: str = declare_text(
        live=True,
        shape=letters,
        takes="letters",
        help="Of all letters these alone come, in any case; e allows é too. Digits and punctuation stay free.",
    )
    min_word_length: int = declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=100,
        span=(0, 20),
        ladder=_LENGTHS,
        live=True,
        label="shortest word",
        help="No word has fewer letters than this; apostrophes do not count, digits do.",
    )
    max_word_length: int = declare(
        0,
        kind="int",
        upstream=0,
        off=0,
        can_be_off=True,
        low=0,
        high=100,
        span=(0, 20),
        ladder=_LENGTHS,
        live=True,
        label="longest word",
        help="No word has more letters than this; apostrophes do not count, digits do.",
    )
    forbid_pattern: str = declare_text(
        live=True,
        shape=regex,
        takes="a regular expression",
        help="No word matches this as a whole: .*ing forbids all that end so; (?i) in front for any case.",
    )
    allow_pattern: str = declare_text(
        live=True,
        shape=regex,
        takes="a regular expression",
        help="Every word matches this as a whole: [Ss].* for words that begin with s; (?i) in front for any case.",
    )
    word_list: str = declare(
        "",
        kind="json",
        upstream="",
        off="",
        can_be_off=True,
        live=True,
        shape=word_list,
        takes="the path of a text file",
        help="Only words that stand in this file come, in any case. It is read as it is set, and its hash recorded.",
    )


FILTERS = tuple(declared.name for declared in fields(FilterSettings))
