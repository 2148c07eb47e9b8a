"""alt+1 to alt+9 as what they are.

Terminals send them as ESC and the digit. Textual reads these as the signs that a Mac's option key types, for the
sake of one terminal there, and so alt+4 would put ¢ into the prompt. Those who type ¢ by their keyboard still get it.
"""

from __future__ import annotations

from typing import cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS


def hear() -> None:
    """Take Textual's readings of ESC and a digit out of its table; without them they are alt and the digit."""
    table = cast(dict[str, object], ANSI_SEQUENCES_KEYS)
    for digit in range(1, 10):
        table.pop(f"\x1b{digit}", None)
