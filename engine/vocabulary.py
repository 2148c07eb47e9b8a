"""Searching a vocabulary: `contains e`, `not contains e`, `length 3`, `begins ␣th`, a regular expression.

Terms are joined by ` and `. What is looked at is a token's text, its space in front as a space; `␣` means one too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.errors import EngineError, one_line, shown

Test = Callable[["VocabularyToken"], bool]

HELP = "contains e · not contains e · begins th · ends ing · length 3 · length 5-8 · special · or a regular expression"


class QueryError(EngineError, ValueError):
    """A search that cannot be understood."""


@dataclass(frozen=True, slots=True)
class VocabularyToken:
    """A token of a vocabulary: its id, its text, and whether it stands for no text."""

    id: int
    text: str
    special: bool


def found(vocabulary: Iterable[VocabularyToken], query: str) -> list[VocabularyToken]:
    """The tokens that a query asks for, by id; all of them for an empty one. Raises `QueryError`."""
    test = parsed(query)
    return [token for token in vocabulary if test(token)]


def parsed(query: str) -> Test:
    """A test of a token. Raises `QueryError`."""
    tests = [_term(term) for term in query.split(" and ")] if query.strip() else []
    return lambda token: all(test(token) for test in tests)


def _term(term: str) -> Test:
    name, _, rest = term.lstrip().partition(" ")
    if name == "not" and rest:
        test = _term(rest)
        return lambda token: not test(token)
    if name == "special" and not rest.strip():
        return lambda token: token.special
    if name == "length" and rest:
        return _length(rest.strip())
    word = rest.replace("␣", " ")
    if name in _TEXT_TESTS and word:
        holds = _TEXT_TESTS[name]
        return lambda token: holds(token.text.casefold(), word.casefold())
    try:
        pattern = re.compile(term.replace("␣", " "))
    except (re.error, OverflowError, RecursionError) as error:
        raise QueryError(f"{shown(term)}: no regular expression: {one_line(error, 80)}") from error
    return lambda token: pattern.search(token.text) is not None


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, word: word in text,
    "begins": lambda text, word: text.lstrip().startswith(word) if word[0] != " " else text.startswith(word),
    "ends": lambda text, word: text.endswith(word),
}


def _length(text: str) -> Test:
    """`3`, `3-5`, `3-` or `-5` characters, the space in front not counted."""
    low, dash, high = text.partition("-")
    if not (low or high) or not all(part == "" or part.isdecimal() for part in (low, high)):
        raise QueryError(f"length {shown(text)}: must be a number or a range, as in length 3 or length 5-8")
    least, most = int(low or 0), int(high) if high else (None if dash else int(low))
    return lambda token: least <= len(token.text.strip(" ")) and (most is None or len(token.text.strip(" ")) <= most)


def ids_from(text: str) -> tuple[int, ...]:
    """The ids that a text is written of, as `464 318` or `[464, 318]`; none where it is anything else."""
    bare = text.strip()
    if bare[:1] == "[" and bare[-1:] == "]":
        bare = bare[1:-1]
    words: Sequence[str] = bare.replace(",", " ").split()
    return tuple(map(int, words)) if words and all(word.isdecimal() and len(word) < 10 for word in words) else ()
