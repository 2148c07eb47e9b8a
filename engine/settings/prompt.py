"""What is done to the prompt."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare_text


@dataclass(frozen=True, kw_only=True)
class PromptSettings:
    """They shape what the model sees before the first token."""

    prefix: str = declare_text(
        flags=("--padding_text",),
        live=False,
        help="Text put before the prompt for the model, never shown in the result.",
    )
    xlm_language: str = declare_text(
        live=False,
        label="XLM language",
        help="The language of an XLM model that has several, by its short name, such as en.",
        paper="Lample & Conneau 2019",
    )
