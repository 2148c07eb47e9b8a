"""Token healing as a run asks for it: how much of the prompt is taken back, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.detokenizer import Detokenizer
from engine.detokenizer import detokenizer as plain_detokenizer
from engine.errors import shown
from engine.events import Note, Prepared, Tail
from engine.settings import Settings
from engine.settings.names import FORMS

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel


def healed(model: LoadedModel, own: str | None, ready: Prepared, settings: Settings) -> Prepared:
    """The prompt without the tokens at its end that the run says again, where the settings ask for that.

    `own` is what the end of a prompt has of the user's own words, None for a prompt that is ids, which is taken as it
    is. Where its text is known and goes on beyond the ids, it comes from a run that was stopped before it had said all
    it took back, and the rest is said first.
    """
    if not settings.token_healing:
        return ready
    if any(getattr(settings, name) for name in FORMS):
        text = "No effect: token_healing; a form begins with the first new token."
        return replace(ready, notes=(*ready.notes, Note("info", "no-effect", text)))
    if own is None:
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}  # a start of text is in no text
        before = str(model.tokenizer.decode(list(ready.ids), **options))
        rest = ready.text[len(before) :] if ready.text.startswith(before) else ""
        can_be_said = rest and model.vocabulary.beginning(rest.encode("utf-8", "replace"))
        return replace(ready, tail=Tail(rest, (), len(rest))) if can_be_said else ready
    least = 1 if settings.forced_bos_token_id is None else 2  # with one token it would be forced where it was not
    count, tail, cuts = model.vocabulary.tail(ready.ids[least:], len(own)) if own else (0, "", ())
    ids, back = ready.ids[: len(ready.ids) - count], ready.ids[len(ready.ids) - count :]
    if not count or not ready.text.lower().endswith(tail.lower()):  # a space after it that the tokens do not have
        return ready
    text = f"The prompt's end “{shown(tail)}” is said again, so that it can be the beginning of a longer token."
    notes = (*ready.notes, Note("info", "healed", text))
    return replace(ready, ids=ids, tail=Tail(tail, cuts, _said(model, ids, back)), notes=notes)


def _said(model: LoadedModel, ids: Sequence[int], back: Sequence[int]) -> int:
    """How many characters these tokens say after the others."""
    saying = plain_detokenizer(model.tokenizer, ids)
    return len("".join(map(saying.push, back)) + saying.flush())


def detokenizer(model: LoadedModel, ready: Prepared) -> Detokenizer:
    """One for the new text after this prompt."""
    own = plain_detokenizer(model.tokenizer, ready.ids)
    return HealedDetokenizer(own, ready.tail.surplus) if ready.tail else own


class HealedDetokenizer:
    """Another one without the text that the prompt has already: its first `surplus` characters."""

    def __init__(self, inner: Detokenizer, surplus: int) -> None:
        self._inner = inner
        self.surplus = surplus

    @property
    def halved(self) -> bool:
        """Whether a character has begun and is not whole."""
        return bool(getattr(self._inner, "halved", False))

    def push(self, token_id: int) -> str:
        """The text that this token adds to the prompt's."""
        return self._beyond(self._inner.push(token_id))

    def flush(self) -> str:
        """What was held back."""
        return self._beyond(self._inner.flush())

    def _beyond(self, text: str) -> str:
        cut = min(self.surplus, len(text))
        self.surplus -= cut
        return text[cut:]
