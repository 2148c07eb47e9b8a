"""What stands in a record as one HTML file: each token by its probability, what could have come in its place on hover.

The file needs nothing beside itself, runs nothing and fetches nothing: its own policy forbids both. How likely a token
was is told by colour and by the kind of line below it.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from html import escape

from engine.events import Token
from engine.safe_text import safe_block, safe_text
from engine.session.standing import Part, Standing

LEVELS = (0.5, 0.2, 0.05, 0.01, 0.0)
"""Probabilities from which on a token is of the level of that number; the first level has no sign."""
_NAMES = ("50 % and more", "20 % and more", "5 % and more", "1 % and more", "less than 1 %")
_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1b1b; --dim: #666; --line: #8a8a8a;
  --p1: #eef4dc; --p2: #fdf0c4; --p3: #fde0c2; --p4: #fbd0d0; }
@media (prefers-color-scheme: dark) { :root { --back: #16181b; --text: #e4e4e4; --dim: #9a9a9a; --line: #8a8a8a;
  --p1: #27311c; --p2: #3a3417; --p3: #452f18; --p4: #4a2424; } }
body { background: var(--back); color: var(--text); font: 1.05rem/1.6 Georgia, serif; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.prompt { color: var(--dim); }
.facts, .legend, footer { color: var(--dim); font: 0.85rem/1.5 system-ui, sans-serif; }
.p1, .p2, .p3, .p4 { text-decoration: underline; text-decoration-color: var(--line); text-underline-offset: 0.2em; }
.p1 { background: var(--p1); text-decoration-style: dotted; }
.p2 { background: var(--p2); text-decoration-style: dashed; }
.p3 { background: var(--p3); text-decoration-style: solid; }
.p4 { background: var(--p4); text-decoration-style: wavy; }
.mark { color: var(--dim); font: 0.75rem system-ui, sans-serif; vertical-align: super; }
ins { text-decoration: none; border-bottom: 2px solid var(--text); }
"""


def html(standing: Standing, facts: Sequence[tuple[str, str]], said: str = "") -> str:
    """The whole file; `facts` are (name, value) to stand at its head, `said` a line for its foot."""
    policy = f"default-src 'none'; style-src 'sha256-{_digest(_STYLE)}'"
    title = safe_text(standing.prompt[:60].strip()) or "A text"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="und">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        '<p class="facts">' + "<br>".join(f"{_shown(name)}: {_shown(value)}" for name, value in facts) + "</p>",
    ]
    several = len(standing.sequences) > 1
    for number, sequence in enumerate(standing.sequences or [[]], 1):
        if several:
            parts.append(f'<h2 class="facts">{number} of {len(standing.sequences)}</h2>')
        prompt = f'<span class="prompt">{_block(standing.prompt)}</span>'
        parts.append(f'<p class="text">{prompt}{"".join(map(_part, sequence))}</p>')
    legend = " · ".join(f'<span class="p{level}">{name}</span>' for level, name in enumerate(_NAMES))
    parts.append(f'<p class="legend">How likely each token was: {legend}</p>')
    if said:
        parts.append(f"<footer>{_shown(said)}</footer>")
    return "\n".join([*parts, "</body>", "</html>"]) + "\n"


def level(probability: float) -> int:
    """0 for what was to be expected, up to 4 for what was not."""
    return next((number for number, least in enumerate(LEVELS) if probability >= least), len(LEVELS) - 1)


def _part(part: Part) -> str:
    if part.kind == "mark":
        return f'<span class="mark">[{_shown(part.text)}]</span>'
    if part.kind == "human":
        return f"<ins>{_block(part.text)}</ins>"
    if part.token is None:
        return _block(part.text)
    probability = math.exp(min(part.token.logprob, 0.0)) if not math.isnan(part.token.logprob) else 0.0
    shown = _block(part.text)
    return f'<span class="p{level(probability)}" title="{_hover(part.token, probability)}">{shown}</span>'


def _hover(token: Token, probability: float) -> str:
    others = [other for other in token.alternatives if other.id != token.id]
    lines = [f"{token.text!r} {_percent(probability)}"]
    lines += [f"{other.text!r} {_percent(math.exp(min(other.logprob, 0.0)))}" for other in others]
    return "&#10;".join(escape(safe_text(line)) for line in lines)


def _percent(probability: float) -> str:
    return f"{100 * probability:.3g} %"


def _shown(text: str) -> str:
    return escape(safe_text(text))


def _block(text: str) -> str:
    return escape(safe_block(text))


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
