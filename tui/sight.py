"""What of the written text the model no longer sees, as the screen shows it. No widgets here."""

from __future__ import annotations

from typing import NamedTuple

from engine.events import Forgot


class Hidden(NamedTuple):
    """What is out of the model's sight of one sequence: so many tokens, and where they stand in the shown text."""

    tokens: int = 0
    start: int = 0
    end: int = 0


NOTHING = Hidden()


def hidden_by(event: Forgot, before: int) -> Hidden:
    """What a run tells of a sequence; `before` counts the characters shown before its new text, the prompt's too."""
    end = max(0, before + event.until)
    return Hidden(event.tokens, min(event.head, end), end) if event.tokens else NOTHING
