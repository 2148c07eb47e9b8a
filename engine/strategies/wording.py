"""What a run tells of words that were given as text: the tokens that they became, once for each word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engine.events import Event, Note, Noted
from engine.sampling.spelling import Spelling
from engine.settings import PARAMETERS, Settings


@dataclass
class Wording:
    """One run's."""

    spelling: Spelling
    _told: set[tuple[str, str]] = field(default_factory=set)

    def told(self, settings: Settings) -> Iterator[Event]:
        """Tells the words that act under these settings and were not told before, a note a setting."""
        for name, words in acting(settings).items():
            new = [word for word in dict.fromkeys(words) if (name, word) not in self._told]
            self._told |= {(name, word) for word in new}
            spelled = [word for word in new if self.spelling.forms(word)]
            if spelled:
                text = f"{name} as tokens: {as_tokens(self.spelling, spelled)}."
                yield Noted(Note("info", "words-as-tokens", text))
            if len(spelled) < len(new):
                text = ", ".join(word for word in new if word not in spelled)
                said = f"{name} without effect, this model's vocabulary cannot spell it: {text}."
                yield Noted(Note("warning", "words-unknown", said))


def as_tokens(spelling: Spelling, words: Iterable[str]) -> str:
    """What the words became, for those that the vocabulary can spell: the forms of each, a space in it to be seen."""

    def pieces(word: str) -> str:
        forms = ("|".join(map(spelling.piece, form)) for form in spelling.forms(word))
        return " or ".join(form.replace(" ", "␣") for form in forms)

    return "; ".join(f"{word} is {pieces(word)}" for word in words if spelling.forms(word))


def acting(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The words of each setting that takes words and acts under the strategy."""
    words = {name: getattr(settings, name) for name in ("bad_words", "force_words", "suppress_words")}
    words["word_bias"] = tuple(word for word, _ in settings.word_bias or ())
    return {
        name: found
        for name, found in words.items()
        if not PARAMETERS[name].under or settings.strategy in PARAMETERS[name].under
    }
