"""How long a text is, counted as it grows: what was counted is not looked at again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TextCount:
    """Characters, and words as what stands between spaces."""

    words: int = 0
    characters: int = 0
    _in_word: bool = False

    def add(self, text: str) -> None:
        """More text at the end, which may go on with the last word."""
        if not text:
            return
        goes_on = self._in_word and not text[0].isspace()
        self.words += len(text.split()) - goes_on
        self.characters += len(text)
        self._in_word = not text[-1].isspace()


def counted(text: str) -> TextCount:
    """The count of a whole text."""
    count = TextCount()
    count.add(text)
    return count
