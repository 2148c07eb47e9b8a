"""A step's candidates as lines: probability and bar as the model had it, and after a stage of the sampler."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.content import Content

from engine.safe_text import safe_text
from engine.settings import PARAMETERS
from tui.widgets.settings_panel.fit import fit

if TYPE_CHECKING:
    from engine.weighing import Weighing

KEYS = "1234567890"
CUT, CHOSEN = "✂", "◂"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_NUMBER, _TAIL, _KEY = 5, 9, 2
_LEAST_LABEL, _MOST_LABEL = 8, 18


def stage_title(name: str) -> str:
    """A stage as people read it: `top-p`."""
    return PARAMETERS[name].title if name in PARAMETERS else name


def piece(text: str, token_id: int) -> str:
    """A token's text in one line, its spaces to be seen."""
    return safe_text(text.replace(" ", "␣")) or f"[{token_id}]"


def number(probability: float) -> str:
    """`.241`, `1.00`, and for the smallest that it is not quite nothing."""
    if 0 < probability < 0.0005:
        return "<.001"
    text = f"{probability:.3f}"
    return text[:4] if probability >= 0.9995 else text[1:]


def bar(share: float, cells: int) -> str:
    """As long as the share of the whole length, in eighths of a cell; anything that is there is seen."""
    eighths = math.ceil(8 * cells * share) if share > 0 else 0
    full, rest = divmod(min(eighths, 8 * cells), 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def facts(weighing: Weighing) -> list[str]:
    """What there is to say of the token that came, and of the step."""
    raw, final = weighing.stages[0], weighing.stages[-1]
    lines = []
    if weighing.chosen is not None and raw.probability is not None and final.probability is not None:
        own = piece(weighing.texts[weighing.ids.index(weighing.chosen)], weighing.chosen)
        bits = f"{-math.log2(raw.probability):.1f} bits" if raw.probability > 0 else "∞ bits"
        lines.append(f"{own}  p {number(final.probability)} · rank {raw.rank:,} · {bits}")
    entropies = f"entropy {raw.entropy:.1f}" + (f" → {final.entropy:.1f}" if len(weighing.stages) > 1 else "")
    left = f"{raw.left:,}" + (f" → {final.left:,}" if final.left != raw.left else "")
    return [*lines, f"{entropies} bits · {left} token{'' if final.left == 1 else 's'}"]


def places(weighing: Weighing, most: int) -> list[int]:
    """Which candidates have room in so many rows: the likeliest, and the token that came however few they are."""
    shown = list(range(len(weighing.ids)))[: max(1, most)]
    own = weighing.ids.index(weighing.chosen) if weighing.chosen is not None else None
    if own is not None and own not in shown:
        shown[-1] = own
    return shown


def rows(weighing: Weighing, stage: int, width: int, most: int, here: int | None) -> list[Content]:
    """The heading, and the candidates from the likeliest on; `here` is the row that is looked at.

    `stage` is the place of the stage that stands on the right.
    """
    label = max(_LEAST_LABEL, min(_MOST_LABEL, width - _KEY - 2 * (_NUMBER + 8) - _TAIL - 1))
    cells = max(1, (width - _KEY - label - 2 * (_NUMBER + 2) - _TAIL) // 2)
    after = "drawn from this" if len(weighing.stages) == 1 else f"after {stage_title(weighing.stages[stage].name)}"
    heading = " " * (_KEY + label + 1) + fit("raw", _NUMBER + 1 + cells) + " " + after
    lines = [Content.styled(fit(heading, width), "$text-muted")]
    shown = places(weighing, most - 1)
    columns = (weighing.stages[0].probabilities, weighing.stages[stage].probabilities)
    longest = max(column[place] for column in columns for place in shown) or 1.0
    for row, place in enumerate(shown):
        lines.append(_row(weighing, place, stage, row, label, cells, longest, here == row))
    return lines


def _row(
    weighing: Weighing, place: int, stage: int, row: int, label: int, cells: int, longest: float, here: bool
) -> Content:
    raw, final = weighing.stages[0].probabilities[place], weighing.stages[stage].probabilities[place]
    came = weighing.ids[place] == weighing.chosen
    cut = cut_by(weighing, place, stage)
    tail = fit(f"{CUT} {stage_title(cut)}", _TAIL - 1) if cut else CHOSEN if came else ""
    key = KEYS[row] if row < len(KEYS) else " "
    name = fit(piece(weighing.texts[place], weighing.ids[place]), label)
    style = "bold $text-accent" if came else "$text-muted" if cut else "$text"
    line = Content.assemble(
        (f"{key} ", "$primary"),
        (name, style),
        (f" {number(raw):>{_NUMBER}} ", "$text-muted"),
        (bar(raw / longest, cells), "$primary-darken-1"),
        (f" {'·' if cut else number(final):>{_NUMBER}} ", style),
        (bar(final / longest, cells), "$primary"),
        (f" {tail}", "$text-warning" if cut else "bold $text-accent"),
    )
    return line.stylize("reverse") if here else line


def cut_by(weighing: Weighing, place: int, stage: int) -> str:
    """The stage that ruled a candidate out, up to this one; nothing where none did."""
    if not weighing.stages[0].probabilities[place]:
        return ""
    steps = weighing.stages[: stage + 1] if stage >= 0 else weighing.stages
    return next((step.name for step in steps if not step.probabilities[place]), "")
