"""Where a text holds what one looks for."""

from __future__ import annotations

import re


def places(text: str, needle: str) -> list[int]:
    """Where `needle` begins in `text`, without overlaps; a needle without capitals finds them too.

    What is found has as many characters as the needle.
    """
    if not needle or len(needle) > len(text):
        return []
    flags = re.NOFLAG if any(sign.isupper() for sign in needle) else re.IGNORECASE
    return [match.start() for match in re.finditer(re.escape(needle), text, flags)]
