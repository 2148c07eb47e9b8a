"""Which words may come, must come, or are made likelier, typed as text; the run tells what tokens they became."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.shapes import word_biases


@dataclass(frozen=True, kw_only=True)
class PhraseSettings:
    """A word stands for its forms with and without a space before it; `=` in front means exactly what follows."""

    bad_words: tuple[str, ...] = declare(
        (),
        kind="texts",
        upstream=(),
        off=(),
        can_be_off=True,
        live=True,
        label="banned words",
        help="Words or phrases that never come, with a space before them or without; =word bans exactly this form.",
    )
    force_words: tuple[str, ...] = declare(
        (),
        kind="texts",
        upstream=(),
        off=(),
        can_be_off=True,
        under=("constrained-beam",),
        live=False,
        label="forced words",
        help="Constrained beams: words or phrases that must come, in either form; =word forces exactly this one.",
        paper="Post & Vilar 2018",
    )
    suppress_words: tuple[str, ...] = declare(
        (),
        kind="texts",
        upstream=(),
        off=(),
        can_be_off=True,
        live=True,
        label="shunned words",
        help="None of the tokens that these words are made of ever comes, in whatever place.",
    )
    word_bias: tuple[tuple[str, float], ...] | None = declare(
        None,
        kind="json",
        shape=word_biases,
        takes='word:+2.5, or a list of [word, bias] or "word:bias"',
        can_be_off=True,
        live=True,
        label="biased words",
        help="Added to the logit of a word's last token where the rest of the word stands before it.",
    )
