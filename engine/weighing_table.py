"""A weighing as lines of text: candidates down, stages across."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.safe_text import safe_text

if TYPE_CHECKING:
    from engine.weighing import Weighed, Weighing

_COLUMN = 11  # `temperature`
_LONGEST = 16
_BAR = 12


def visible(text: str) -> str:
    """A token's text with its spaces seen, fit to show."""
    return safe_text(text).replace(" ", "␣")


def table_lines(weighing: Weighing, width: int) -> list[str]:
    """A head, the entropy in bits and the tokens left after each stage, then a row a candidate.

    Where the width has no room for all stages the ones in the middle are left out, and the head says how many.
    """
    texts = [visible(text)[:_LONGEST] for text in weighing.texts]
    first = max([len("tokens left"), *map(len, texts)])
    stages, left_out = _fitting(weighing.stages, (width - first - 5 - _BAR - 2) // (_COLUMN + 1))

    def row(rank: str, name: str, cells: Iterable[str], bar: str = "") -> str:
        return f"{rank:>4} {name:<{first}}{''.join(f' {cell:>{_COLUMN}}' for cell in cells)}  {bar}".rstrip()

    lines = [row("", "", (stage.name[:_COLUMN] for stage in stages))]
    if left_out:
        lines[0] += f"({left_out} stage{'' if left_out == 1 else 's'} not shown)".rjust(2)
    lines.append(row("", "entropy", (f"{stage.entropy:.2f}" for stage in stages), "bits"))
    lines.append(row("", "tokens left", (f"{stage.left:,}" for stage in stages)))
    for at, text in enumerate(texts):
        cells = [f"{p:.4f}" if (p := stage.probabilities[at]) > 0 else "cut" for stage in stages]
        bar = "█" * round(_BAR * weighing.stages[-1].probabilities[at])
        mark = "›" if weighing.ids[at] == weighing.chosen else ""
        lines.append(row(f"{mark}{weighing.stages[0].ranks[at]}", text, cells, bar))
    return lines


def _fitting(stages: tuple[Weighed, ...], room: int) -> tuple[list[Weighed], int]:
    """The first and the last stage, and of those between as many of the last as fit."""
    shown = list(stages)
    while len(shown) > max(room, 2):
        del shown[1]
    return shown, len(stages) - len(shown)
