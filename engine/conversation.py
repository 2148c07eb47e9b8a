"""A conversation as it is typed: a line that is `system:`, `user:` or `assistant:` alone begins a turn.

What stands before the first such line is the user's, so plain text is one turn. Blank lines around a turn are no part
of it, but for what ends the last one where that is the assistant's: the model goes on from there. A line that is to be
such a word has a backslash before it (`\\user:`), and one that has backslashes before the word has one more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.settings import Settings

ROLES = ("system", "user", "assistant")
_HEAD = re.compile(rf"({'|'.join(ROLES)}):[ \t]*")
_ESCAPED = re.compile(rf"\\+({'|'.join(ROLES)}):[ \t]*")
_WORD = re.compile(rf"\\*({'|'.join(ROLES)}):[ \t]*")
_NEXT = "user:\n"
ANSWERS = "assistant"
"""What a mark between a conversation and its answer says."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says: `role` is one of `ROLES`, or in what comes from elsewhere any name in small letters."""

    role: str
    text: str


def turns(prompt: str) -> list[Turn]:
    """The turns of a prompt; none where nothing is typed. An empty turn stays, so that it can be told."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in prompt.split("\n"):
        head = _HEAD.fullmatch(line)
        if head:
            found.append((head[1], []))
        else:
            found[-1][1].append(line[1:] if _ESCAPED.fullmatch(line) else line)
    first, *others = [Turn(role or "user", "\n".join(lines)) for role, lines in found]
    told = others if not first.text.strip() else [first, *others]
    ends = [turn.role == "assistant" and turn is told[-1] for turn in told]
    return [
        replace(turn, text=turn.text.lstrip("\n") if open_end else turn.text.strip("\n"))
        for turn, open_end in zip(told, ends, strict=True)
    ]


def typed(conversation: Iterable[Turn]) -> str:
    """The prompt that these turns are typed as: `turns` reads them back."""
    return "\n\n".join(f"{turn.role}:\n{_escaped(turn.text)}" for turn in conversation)


def begins_reply(prompt: str) -> bool:
    """Whether what follows a prompt is a new turn of the assistant's, and not the rest of one that is begun there."""
    told = turns(prompt)
    return not told or told[-1].role != "assistant" or not told[-1].text


def with_reply(prompt: str, reply: str) -> str:
    """The prompt with what the model has written after it as the assistant's turn, or as the end of it."""
    told = turns(prompt)
    if told and told[-1].role == "assistant":
        return typed([*told[:-1], replace(told[-1], text=told[-1].text + reply)])
    return typed([*told, Turn("assistant", reply)])


def next_turn(prompt: str, reply: str) -> str:
    """The same with room for what the user says next."""
    told = turns(with_reply(prompt, reply))
    last = replace(told[-1], text=told[-1].text.strip())
    return f"{typed([*told[:-1], last])}\n\n{_NEXT}"


def gap(prompt: str, settings: Settings) -> str:
    """What a reader needs between a prompt and what follows it, for the eye alone."""
    return "\n" if settings.chat and begins_reply(prompt) else ""


def _escaped(text: str) -> str:
    return "\n".join(f"\\{line}" if _WORD.fullmatch(line) else line for line in text.split("\n"))
