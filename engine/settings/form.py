"""A form that all that is written must keep."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare_text
from engine.settings.shapes import grammar, json_schema, regex


@dataclass(frozen=True, kw_only=True)
class FormSettings:
    """They act under every strategy, one at a time; the form begins with the token that obeys it first."""

    form_regex: str = declare_text(
        live=True,
        label="form: regex",
        shape=regex,
        takes="a regular expression",
        help="The new text must match this as a whole, and ends where nothing can follow.",
        paper="Willard & Louf 2023",
    )
    form_json_schema: str = declare_text(
        live=True,
        label="form: JSON",
        shape=json_schema,
        takes="a JSON schema",
        help="The new text must be JSON that this schema describes; {} takes any.",
    )
    form_grammar: str = declare_text(
        live=True,
        label="form: grammar",
        shape=grammar,
        takes="a grammar in Lark's notation",
        help="The new text must be derived from this context-free grammar's `start`.",
    )
