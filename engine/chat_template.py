"""A tokenizer's chat template applied, as the untrusted program that it is.

Templates are Jinja and come with the model. The library renders them in jinja's immutable sandbox, which keeps them
from the machine but not from running for ever or from filling the memory: here they are bounded in steps and in length.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError, TemplateSyntaxError

from engine.errors import PromptError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from engine.conversation import Turn

MOST_STEPS = 1_000_000
"""Lines that a template may run through: a second or so. A long conversation takes some thousands."""
MOST_CHARACTERS = 4_000_000
"""Characters that it may make at most: four times the longest prompt."""
_COMPILED = "<template>"  # what jinja calls the code of a template


class _UnboundedError(Exception):
    """A template has outrun its bounds."""


def has_template(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a tokenizer says how a conversation is written for its model."""
    return bool(getattr(tokenizer, "chat_template", None))


def render(tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Turn], *, reply: bool, goes_on: bool) -> str:
    """The text that the template makes of a conversation; of several templates it is the one called default.

    `reply` adds what an answer begins with, `goes_on` leaves the last turn open. Raises `PromptError` with the
    template's own word, or what is wrong with it.
    """
    messages = [{"role": turn.role, "content": turn.text} for turn in conversation]
    try:
        with _bounded():
            made = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=reply, continue_final_message=goes_on
            )
    except _UnboundedError as error:
        raise PromptError(f"the model's chat template {error}; turn chat off for raw completion") from None
    except TemplateSyntaxError as error:
        raise PromptError(f"the model's chat template cannot be read: {one_line(error, 160)}") from error
    except TemplateError as error:
        raise PromptError(f"the chat template refuses this conversation: {_reason(error)}") from error
    except Exception as error:  # it is a program, and fails as it likes
        raise PromptError(f"the model's chat template cannot be used: {one_line(error, 160)}") from error
    if not isinstance(made, str) or len(made) > MOST_CHARACTERS:
        raise PromptError(f"the model's chat template makes more than {MOST_CHARACTERS:,} characters: it is given up")
    return made


def _reason(error: TemplateError) -> str:
    return " ".join(str(error.message or type(error).__name__).split())[:160]


@contextmanager
def _bounded() -> Iterator[None]:
    """Within it a template ends after so many lines, or so many characters, of this thread.

    A thread cannot be stopped from outside, and an alarm reaches the main one alone; Python's own tracing tells of each
    line as it begins, and of each text that a template hands out.
    """
    lines = characters = 0

    def within(_: FrameType, event: str, value: Any) -> Callable[..., Any]:
        nonlocal lines, characters
        lines += 1
        if event == "return" and isinstance(value, str):
            characters += len(value)
        if lines > MOST_STEPS:
            raise _UnboundedError(f"does not end within {MOST_STEPS:,} steps")
        if characters > MOST_CHARACTERS:
            raise _UnboundedError(f"makes more than {MOST_CHARACTERS:,} characters")
        return within

    def called(frame: FrameType, event: str, value: Any) -> Callable[..., Any] | None:
        return within(frame, event, value) if frame.f_code.co_filename == _COMPILED else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        yield
    finally:
        sys.settrace(before)
