"""Which characters a letter stands for: a plain letter for itself in any case and with any accent, an accented one
for itself in any case.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

# Where letters have cases or accents; the ideographs and Hangul between are each a letter of its own.
_RANGES = (range(0x20, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x20000))


def character_class(signs: Iterable[str]) -> str:
    """The inside of a regular expression's class of these characters."""
    return "".join(f"\\u{{{ord(sign):x}}}" for sign in sorted(signs))


def forbidden_class(letters: str) -> str:
    """The inside of a regular expression's class of all characters that are, or are made of, one of the letters."""
    plain = {letter for letter in _cased(letters) if _is_plain(letter)}
    return character_class({*_others(letters), *_among(lambda sign: not plain.isdisjoint(_bases()[sign]))})


def forbidden_sequences(letters: str) -> list[str]:
    """The accented letters as a letter and its marks apart."""
    apart = (unicodedata.normalize("NFD", sign) for sign in _others(letters))
    return sorted({sequence for sequence in apart if len(sequence) > 1})


def allowed_class(letters: str) -> str:
    """The same of all letters that are made of these letters alone."""
    plain = {letter for letter in _cased(letters) if _is_plain(letter)}

    def made_of_them(sign: str) -> bool:
        letters_in_it = [part for part in _bases()[sign] if part.isalpha()]
        return sign.isalpha() and bool(letters_in_it) and plain.issuperset(letters_in_it)

    return character_class({*_others(letters), *_among(made_of_them)})


def _cased(letters: str) -> list[str]:
    return [unicodedata.normalize("NFC", letter.casefold()) for letter in unicodedata.normalize("NFC", letters)]


def _is_plain(letter: str) -> bool:
    """False for an accented letter and for one that is written as several: `ß`."""
    return len(letter) == 1 and unicodedata.normalize("NFKD", letter) == letter


def _others(letters: str) -> set[str]:
    """All cases of the letters that stand for themselves alone, and the plain ones as they were typed."""
    asked = set(_cased(letters))
    accented = {letter for letter in asked if not _is_plain(letter)}
    found = _among(lambda sign: unicodedata.normalize("NFC", sign.casefold()) in accented)
    return {*found, *(letter for letter in asked if len(letter) == 1)}


def _among(wanted: Callable[[str], bool]) -> set[str]:
    return {sign for sign in _bases() if wanted(sign)}


@lru_cache(maxsize=1)
def _bases() -> dict[str, str]:
    """The letters, small and without accents, that each character is made of."""
    signs = (chr(code) for codes in _RANGES for code in codes)
    apart = {sign: unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", sign).casefold()) for sign in signs}
    return {sign: "".join(part for part in parts if not unicodedata.combining(part)) for sign, parts in apart.items()}
