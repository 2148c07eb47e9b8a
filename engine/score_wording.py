"""A score in words: what it comes to, and a surprising place where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.weighing_table import visible

if TYPE_CHECKING:
    from engine.scoring import TextScore

_AROUND = 28  # characters of context on either side
_STEPS = "▁▂▃▄▅▆▇█"
_HIGH = 16  # bits that fill the bar: the surprise of one token in 65,536


def summary(scored: TextScore) -> str:
    """One line: how many tokens have a score, the perplexity, the bits."""
    count = len(scored.scores)
    parts = [f"{len(scored.tokens):,} tokens, {count:,} scored"]
    if scored.perplexity is not None:
        parts += [f"perplexity {scored.perplexity:,.2f}", f"{scored.bits / count:.3f} bits a token"]
    if scored.bits_per_character is not None:
        parts.append(f"{scored.bits_per_character:.3f} bits a character")
    return " · ".join(parts)


def in_context(scored: TextScore, place: int) -> str:
    """A token of the text between what stands around it, with its bits and its rank, on one line."""
    token = scored.tokens[place]
    assert token.score is not None
    before = "".join(each.text for each in scored.tokens[max(0, place - _AROUND) : place])[-_AROUND:]
    after = "".join(each.text for each in scored.tokens[place + 1 : place + 1 + _AROUND])[:_AROUND]
    numbers = f"{token.score.surprisal:7.2f} bits, rank {token.score.rank:<7,}"
    return f"{numbers} {_plain(before)}»{visible(token.text)}«{_plain(after)}"


def bar(bits: float) -> str:
    """One character as high as a token is surprising."""
    return _STEPS[min(len(_STEPS) - 1, int(min(max(bits, 0.0), _HIGH) / _HIGH * len(_STEPS)))]


def _plain(text: str) -> str:
    return visible(text).replace("␣", " ")
