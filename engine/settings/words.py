"""Which tokens may come, must come, or are made likelier."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.shapes import Phrase, biases, forced_places, phrases

_PHRASES = "a list of phrases, each a list of token ids"


@dataclass(frozen=True, kw_only=True)
class WordSettings:
    """They act under every strategy."""

    bad_words_ids: tuple[Phrase, ...] | None = declare(
        None,
        kind="json",
        shape=phrases,
        takes=_PHRASES,
        can_be_off=True,
        live=True,
        label="banned words (ids)",
        help="Phrases that never come, as token ids.",
    )
    sequence_bias: tuple[tuple[Phrase, float], ...] | None = declare(
        None,
        kind="json",
        shape=biases,
        takes="a list of [[token ids], bias]",
        can_be_off=True,
        live=True,
        help="Added to the logit of a phrase's last token where the rest of the phrase stands before it.",
    )
    suppress_tokens: tuple[int, ...] = declare(
        (),
        kind="ids",
        upstream=(),
        off=(),
        can_be_off=True,
        live=True,
        help="Token ids that never come.",
    )
    begin_suppress_tokens: tuple[int, ...] = declare(
        (),
        kind="ids",
        upstream=(),
        off=(),
        can_be_off=True,
        live=True,
        help="Token ids that do not come first.",
    )
    forced_bos_token_id: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=0,
        high=10_000_000,
        live=False,
        label="forced first token",
        help="The token that follows a prompt of one token; with a longer prompt it has no effect.",
    )
    forced_eos_token_id: tuple[int, ...] = declare(
        (),
        kind="ids",
        upstream=(),
        off=(),
        can_be_off=True,
        live=True,
        label="forced last token",
        help="The token that ends a text which reaches its length.",
    )
    forced_decoder_ids: tuple[tuple[int, int], ...] | None = declare(
        None,
        kind="json",
        shape=forced_places,
        takes="a list of [place, token id]",
        can_be_off=True,
        live=True,
        label="forced at places",
        help="Tokens that must stand at these places, counted from 0 with the prompt.",
    )
