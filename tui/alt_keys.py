"""alt with a letter, a digit, or one of , . and - as what it is, at once.

Terminals send it as ESC and the character. Textual reads ESC and a digit as the sign that a Mac's option key types, for
the sake of one terminal there, so that alt+4 would put ¢ into the prompt (those who type ¢ by their keyboard still get
it). ESC and a letter it understands after a rest of a tenth of a second alone: of two such keys that follow sooner, as
they do while one is held down, it makes other signs.
"""

from __future__ import annotations

from string import ascii_lowercase, digits
from typing import NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS


class _Alt(NamedTuple):
    """A key as Textual's table has it."""

    value: str


def hear() -> None:
    """Tell Textual's table of sequences; what it knows of a letter already stays.

    Capital letters are left out: ESC and one of them begins longer sequences.
    """
    table = cast(dict[str, object], ANSI_SEQUENCES_KEYS)
    for digit in digits:
        table[f"\x1b{digit}"] = (_Alt(f"alt+{digit}"),)
    for letter in ascii_lowercase:
        table.setdefault(f"\x1b{letter}", (_Alt(f"alt+{letter}"),))
    for sign, name in ((",", "comma"), (".", "full_stop"), ("-", "minus")):
        table[f"\x1b{sign}"] = (_Alt(f"alt+{name}"),)
