"""What is done to the prompt."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare, declare_text


@dataclass(frozen=True, kw_only=True)
class PromptSettings:
    """They shape what the model sees before the first token."""

    prefix: str = declare_text(
        flags=("--padding_text",),
        live=False,
        help="Text put before the prompt for the model, never shown in the result.",
    )
    chat: bool = declare(
        False,
        kind="bool",
        upstream=False,
        live=False,
        help="Takes the prompt as a conversation and writes it as the model's chat template has it. A line that is "
        "user:, assistant: or system: alone begins a turn; plain text is the user's.",
    )
    system_prompt: str = declare_text(
        live=False,
        help="What a chat model is told before the conversation; a system: turn of the prompt's own takes its place.",
    )
    xlm_language: str = declare_text(
        live=False,
        label="XLM language",
        help="The language of an XLM model that has several, by its short name, such as en.",
        paper="Lample & Conneau 2019",
    )
    token_healing: bool = declare(
        False,
        kind="bool",
        upstream=False,
        live=False,
        help="Takes the prompt's last tokens back where a longer token could begin so, and lets the model say them "
        "again, with what it would have written in one piece.",
    )
    bos_token_id: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=0,
        high=10_000_000,
        live=False,
        label="start token",
        help="The token that an empty prompt begins with, where it is not to be the model's own.",
    )
