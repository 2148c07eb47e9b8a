"""A prompt as a conversation: what its tokenizer's chat template makes of it, and what there is to say of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.chat_template import has_template, render
from engine.conversation import Turn, turns
from engine.errors import PromptError, shown
from engine.events import Begun, Note, Prepared
from engine.families.causal_lm import TRAILING_SPACE
from engine.settings import Settings, contradictions

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from engine.models.loaded import LoadedModel

_MOST_TOLD = 2000  # characters of the text that was made; the rest of a long one is left out in its middle
_MARK = "TURN"


@dataclass(frozen=True, slots=True)
class Made:
    """A conversation as its model reads it; `turns` are its turns.

    `own` is the prompt's own words at the end of the text: empty where the template's come after them.
    """

    text: str
    own: str
    turns: Sequence[Turn]


def made(tokenizer: PreTrainedTokenizerBase, begun: Begun, settings: Settings) -> Made:
    """The text of a conversation and of what follows it already.

    A last turn of the assistant's is gone on with; after any other one the answer begins, as the template has it.
    Raises `PromptError`.
    """
    if not has_template(tokenizer):
        raise PromptError("chat: this model has no chat template; turn it off for raw completion, or take a chat model")
    told = turns(begun.prompt)
    if told and told[-1] == Turn("assistant", ""):
        told.pop()
    if not told or (told[-1].role == "user" and not told[-1].text.strip()):
        raise PromptError("the prompt's last turn is empty, and a chat model answers what is said: type something")
    goes_on = told[-1].role == "assistant"
    if goes_on:
        told[-1] = replace(told[-1], text=told[-1].text + begun.text)
    if settings.system_prompt and told[0].role != "system":
        told.insert(0, Turn("system", settings.system_prompt))
    text = render(tokenizer, told, reply=not goes_on, goes_on=goes_on)
    return Made(text, told[-1].text, told) if goes_on else Made(text + begun.text, begun.text, told)


def encoded(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The ids of what a template made: it has put the marks there that a tokenizer would put around a text."""
    return list(tokenizer.encode(text, add_special_tokens=False))


def prepare(model: LoadedModel, begun: Begun, settings: Settings) -> tuple[Prepared, str]:
    """A prompt as the model gets it, by its chat template where the settings ask for that, else by its family; and the
    text of the user's own that its end is. Raises `PromptError`.
    """
    if not settings.chat:
        whole = begun.prompt + begun.text
        return model.family.prepare(model, whole, settings), whole
    model.family.check(model, settings)
    chat = made(model.tokenizer, begun, settings)
    ids = tuple(encoded(model.tokenizer, chat.text))
    return Prepared(chat.text, ids, tuple(_notes(model, chat, settings))), chat.own


def end_ids(model: LoadedModel, settings: Settings) -> tuple[int, ...]:
    """The ids that end a text by the model's own word; in a chat its template's end of a turn with them."""
    end = model.turn_end if settings.chat else None
    return model.eos_token_ids if end is None else (*model.eos_token_ids, end)


def notes(model: LoadedModel, settings: Settings) -> list[Note]:
    """What a run earns by its settings, be its prompt text or ids."""
    told = [Note("warning", "no-chat", f"{text}.") for text in contradictions.without_chat(settings).values()]
    end = model.turn_end if settings.chat and settings.eos_token_id is None else None
    if end is not None:
        text = (
            f"The template ends a turn with {shown(model.piece(end))}, which is no end of a text by itself: here it is."
        )
        told.append(Note("info", "turn-end", text))
    return told


def turn_end(model: LoadedModel) -> int | None:
    """The special token that the chat template ends an assistant's turn with, where the model's own ends lack it."""
    if not has_template(model.tokenizer):
        return None
    try:
        said = [Turn("user", _MARK), Turn("assistant", _MARK)]
        after = render(model.tokenizer, said, reply=False, goes_on=False).rpartition(_MARK)[2]
    except PromptError:  # a run will say why
        return None
    ids = encoded(model.tokenizer, after.lstrip())
    special = {*model.tokenizer.all_special_ids, *model.tokenizer.get_added_vocab().values()}
    return ids[0] if ids and ids[0] in special and ids[0] not in model.eos_token_ids else None


def _notes(model: LoadedModel, chat: Made, settings: Settings) -> list[Note]:
    told = [Note("info", "chat-template", f"The chat template made of it: {_middle_left_out(chat.text)}")]
    if settings.prefix:
        told.append(Note("info", "no-effect", "No effect in a chat: prefix; system_prompt says what goes before all."))
    if settings.system_prompt and chat.turns[0].text != settings.system_prompt:
        text = "No effect: system_prompt; the prompt begins with a system turn of its own."
        told.append(Note("info", "no-effect", text))
    if settings.token_healing and not chat.own:
        text = "No effect: token_healing; what the answer begins with is the template's."
        told.append(Note("info", "no-effect", text))
    marks = [token.content for token in model.tokenizer.added_tokens_decoder.values() if token.special]
    typed = {mark for mark in marks for turn in chat.turns if mark in turn.text}
    if typed:
        text = f"The conversation holds marks of the model's own ({shown(', '.join(sorted(typed)))}): they act as such."
        told.append(Note("warning", "marks", text))
    if chat.own.endswith(" ") and chat.text.endswith(" "):
        told.append(TRAILING_SPACE)
    return told


def _middle_left_out(text: str) -> str:
    half = _MOST_TOLD // 2
    return text if len(text) <= _MOST_TOLD else f"{text[:half]} … {text[-half:]}"
