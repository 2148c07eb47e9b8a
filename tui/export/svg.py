"""What stands in a record as a picture of a terminal, by the library that draws the session; it fetches no font."""

from __future__ import annotations

import io
import re

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from engine.safe_text import safe_block, safe_text
from engine.session.exporting import said_by
from engine.session.record import Record
from engine.session.standing import standing

WIDTH = 100
LONGEST = 200_000
"""Characters that are drawn: a picture of more would be of no use."""
_FORMAT = re.sub(r"@font-face\s*{{.*?}}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
_STYLES = {"model": "", "human": "underline", "mark": "dim italic"}


def as_svg(record: Record, say_model: bool = False) -> str:
    """The picture: the prompt dim, marks in brackets, what a person put in underlined."""
    found = standing(record)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for number, parts in enumerate(found.sequences or [[]], 1):
        if len(found.sequences) > 1:
            console.print(Text(f"--- {number} of {len(found.sequences)} ---", "dim"))
        text = Text(safe_block(found.prompt), "dim")
        for part in parts:
            shown = f"[{safe_text(part.text)}]" if part.kind == "mark" else safe_block(part.text)
            text.append(shown, _STYLES[part.kind])
            if len(text) > LONGEST:
                text.append("…")
                break
        console.print(text)
    if say_model:
        console.print(Text(said_by(found), "dim"))
    return console.export_svg(title=safe_text(found.prompt[:40]), code_format=_FORMAT)
