"""A text's tokens and their scores as text to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from engine.safe_text import safe_text
from engine.score_wording import bar, in_context
from tui.token_cells import MOST, beyond, laid_out, piece

if TYPE_CHECKING:
    from engine.inspection import TextToken
    from engine.scoring import ScoredToken, TextScore

_WORST = 3
_SURPRISING = 8  # bits, from which a token is set off


def token_line(tokens: list[TextToken], decoded: str) -> str:
    """What there is to say of a text's tokens."""
    if decoded:
        return f"As ids, these are: {safe_text(decoded)}"
    return "" if tokens else "Type a text, or ids as in 464 318: they are read back."


def tokens(found: list[TextToken], decoded: str, width: int) -> Text:
    """Each token above its id; special ones have a star."""
    cells = [(piece(token.text, token.special), str(token.id)) for token in found[:MOST]]
    return laid_out(cells, width, lambda at: "bold" if found[at].special else "").append(beyond(found))


def score(score: TextScore, width: int) -> Text:
    """Each token above its surprisal in bits, as a bar and as a number; first the most surprising places."""

    def style(at: int) -> str:
        own = score.tokens[at].score
        return "bold underline" if own and own.surprisal >= _SURPRISING else ""

    cells = [(piece(token.text, token.special), _bits(token)) for token in score.tokens[:MOST]]
    worst = [in_context(score, place) for place in score.surprising(_WORST)]
    head = Text("Most surprising:\n" + "\n".join(worst) + "\n\n" if worst else "", no_wrap=True)
    return head.append_text(laid_out(cells, width, style)).append(beyond(score.tokens))


def _bits(token: ScoredToken) -> str:
    return "-" if token.score is None else f"{bar(token.score.surprisal)}{token.score.surprisal:.1f}"
