"""What a run tells of words that were given as text: the tokens that they became, once for each word."""

from __future__ import annotations

from collections.abc import Iterator
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
        for name, words in _acting(settings).items():
            new = [word for word in dict.fromkeys(words) if (name, word) not in self._told]
            self._told |= {(name, word) for word in new}
            spelled = [word for word in new if self.spelling.forms(word)]
            if spelled:
                text = "; ".join(f"{word} is {self._pieces(word)}" for word in spelled)
                yield Noted(Note("info", "words-as-tokens", f"{name} as tokens: {text}."))
            if len(spelled) < len(new):
                text = ", ".join(word for word in new if word not in spelled)
                said = f"{name} without effect, this model's vocabulary cannot spell it: {text}."
                yield Noted(Note("warning", "words-unknown", said))

    def _pieces(self, word: str) -> str:
        """The forms of a word, a space in it to be seen."""
        forms = ("|".join(map(self.spelling.piece, form)) for form in self.spelling.forms(word))
        return " or ".join(form.replace(" ", "␣") for form in forms)


def _acting(settings: Settings) -> dict[str, tuple[str, ...]]:
    words = {name: getattr(settings, name) for name in ("bad_words", "force_words", "suppress_words")}
    words["word_bias"] = tuple(word for word, _ in settings.word_bias or ())
    return {
        name: found
        for name, found in words.items()
        if not PARAMETERS[name].under or settings.strategy in PARAMETERS[name].under
    }
