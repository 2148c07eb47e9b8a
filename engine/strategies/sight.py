"""What a run tells of the text that falls out of the model's sight, and where a full window ends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import window
from engine.events import Begun, Event, Forgot, Noted, Prepared
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel
    from engine.strategies.run import Growing


@dataclass
class Sight:
    """One run's: the prompt's ids, the text that they stand for, and what was told last.

    `beyond` counts the prompt's characters after that text, which the new tokens say again.
    """

    model: LoadedModel
    prompt_ids: Sequence[int]
    text: str
    beyond: int = 0
    _out: int = 0
    _noted: bool = False
    _marks: bool = True

    def __post_init__(self) -> None:
        self._head = self.model.family.head(self.model, self.prompt_ids)

    def read_as(self, prompt: str | Sequence[int] | Prepared | Begun) -> None:
        """In a chat what is shown is the conversation as it was typed, without the template's marks."""
        self._marks = False
        if isinstance(prompt, str | Begun):
            whole = prompt if isinstance(prompt, str) else prompt.prompt + prompt.text
            self.text = whole[: len(whole) - self.beyond]

    def window(self, settings: Settings) -> window.Window | None:
        """What the model is to see under these settings; None for all there is."""
        return window.window(settings, self.model.positions, self._head)

    def end(self, settings: Settings) -> int | None:
        """The length, prompt included, at which these settings end a text that outgrows the model's sight."""
        return window.end(settings, self.model.positions)

    def told(self, index: int, out: int, sequences: Sequence[Growing], settings: Settings) -> Iterator[Event]:
        """Tells where `out` tokens are out of sight as the new token `index` is computed, if that is news."""
        if out == self._out:
            return
        self._out = out
        sliding = self.window(settings)
        head = sliding.seen(len(self.prompt_ids) + index)[0].stop if sliding else 0
        cut = head + out if out else 0
        for growing in sequences:
            yield Forgot(growing.number, index, out, self._characters(growing, cut), self._head_characters(head))
        if sliding and not self._noted:
            self._noted = True
            yield Noted(window.slid(sliding.size, out))

    def ended(self, length: int, settings: Settings) -> Iterator[Event]:
        """Tells that a text of this length, prompt included, ended because no more of it can be seen."""
        size = window.reach(settings, self.model.positions)
        if size is not None and self.end(settings) is not None and length >= size:
            yield Noted(window.full(size, self.model.positions))

    def _characters(self, growing: Growing, cut: int) -> int:
        """Where the token number `cut` begins, in characters from the beginning of the new text."""
        new = cut - len(self.prompt_ids)
        if new >= 0:
            # Beams tell a token once all agree on it, which may be later than it falls out of sight.
            return growing.ends[min(new, len(growing.ends)) - 1] if new and growing.ends else 0
        options = {} if self._marks else {"skip_special_tokens": True}
        return -_from_end(self.text, self._decoded(**options)[len(self._decoded(cut, **options)) :]) - self.beyond

    def _head_characters(self, head: int) -> int:
        """A start of text is in no text that is shown, a control code is."""
        return len(self._decoded(head, skip_special_tokens=True).strip())

    def _decoded(self, end: int | None = None, **options: bool) -> str:
        return str(self.model.tokenizer.decode(list(self.prompt_ids[:end]), **options))


def _from_end(text: str, tail: str) -> int:
    """How many characters at the end of `text` stand for `tail`, which a tokenizer made of them.

    Tokenizers change spaces and cases but seldom the number of other characters, so those are counted.
    """
    wanted = sum(not sign.isspace() for sign in tail)
    if not wanted:
        return 0
    spaces = 0
    for passed, sign in enumerate(reversed(text), 1):
        spaces += sign.isspace()
        if passed - spaces == wanted:
            return passed
    return len(text)
