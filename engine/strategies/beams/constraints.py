"""Words that must come: how far a text has come with them, as an immutable state that a token moves on.

The words are phrases of token ids, each one or one of several alternatives (Anderson et al. 2017, Post & Vilar 2018,
Hu et al. 2019). One phrase is in progress at a time; a token that does not fit sets it back to its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

Phrase = tuple[int, ...]
Word = tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Which words are still to come, which one is under way (`current`), and how much of it is there (`begun`)."""

    pending: tuple[Word, ...]
    current: Word | None = None
    begun: Phrase = ()
    done: int = 0
    longest: int = 0

    @classmethod
    def of(cls, words: Iterable[Word]) -> Progress:
        """Nothing has come yet."""
        pending = tuple(words)
        return cls(pending, longest=max(map(_longest, pending)))

    @property
    def complete(self) -> bool:
        """True once every word has come."""
        return not self.pending and self.current is None

    @property
    def bank(self) -> int:
        """How far it is: words that are done, each counted as the longest, and what is there of the current one."""
        under_way = self.longest - (_longest(self.current) - len(self.begun)) if self.current else 0
        return self.done * self.longest + under_way

    def wanted(self) -> list[int]:
        """The tokens that would bring it further."""
        words = (self.current,) if self.current else self.pending
        return [token for word in words for token in _next(word, self.begun)]

    def after(self, token: int) -> Progress:
        """The state after one more token."""
        if self.complete:
            return self
        if self.current is not None:
            if token not in _next(self.current, self.begun):
                return replace(self, pending=(*self.pending, self.current), current=None, begun=())
            return self._stepped(self.current, token, self.pending)
        for place, word in enumerate(self.pending):
            if token in _next(word, ()):
                return self._stepped(word, token, self.pending[:place] + self.pending[place + 1 :])
        return self

    def after_all(self, tokens: Iterable[int]) -> Progress:
        """The state after several tokens."""
        state = self
        for token in tokens:
            state = state.after(token)
        return state

    def _stepped(self, word: Word, token: int, pending: tuple[Word, ...]) -> Progress:
        begun = (*self.begun, token)
        if begun in word:
            return replace(self, pending=pending, current=None, begun=(), done=self.done + 1)
        return replace(self, pending=pending, current=word, begun=begun)


def _next(word: Word, begun: Phrase) -> list[int]:
    """The tokens that go on with a word, each once."""
    length = len(begun)
    found = (phrase[length] for phrase in word if len(phrase) > length and phrase[:length] == begun)
    return list(dict.fromkeys(found))


def _longest(word: Word) -> int:
    return max(map(len, word))
