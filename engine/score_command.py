"""`textgen-tui score`: how likely the model finds a text, token by token, as text or JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.command_line import (
    PROGRAM,
    Parser,
    UsageError,
    add_model_options,
    add_setting_options,
    fail,
    load_from,
    prompt_from,
    put,
    settings_from,
    tell,
    whole_number,
)
from engine.errors import EngineError
from engine.score_wording import in_context, summary
from engine.text_files import path_of, read_text
from engine.weighing_table import visible

if TYPE_CHECKING:
    from engine.scoring import TextScore

_LARGEST = 100_000_000
_BAR = 24


def main(argv: Sequence[str] | None = None) -> None:
    """Print how likely a text is. A user's error is one line, exit status 2."""
    try:
        _main(argv)
    except EngineError as error:
        fail(error)


def _main(argv: Sequence[str] | None) -> None:
    parser = Parser(prog=f"{PROGRAM} score", description="How likely the model finds a text, token by token.")
    parser.add_argument("file", nargs="?", metavar="FILE", help="a text file; default: standard input")
    parser.add_argument("--text", help="the text itself")
    parser.add_argument("--top", default="10", metavar="N", help="how many surprising places to show (default: 10)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_model_options(parser)
    add_setting_options(parser)
    args = parser.parse_args(argv)
    settings, top = settings_from(args), whole_number("--top", args.top, 0, 10_000)
    if args.text is not None and args.file is not None:
        raise UsageError("--text and a file: give one of the two")
    text = read_text(path_of(args.file), _LARGEST) if args.file is not None else args.text
    model = load_from(args)
    if text is None:
        text = prompt_from(None)

    from engine.scoring import score_text

    scored = score_text(model, text, settings, _told if sys.stderr.isatty() else None)
    if args.json:
        put(json.dumps(_document(model.name, text, scored, top)))
        return
    for note in scored.notes:
        tell(f"{note.level}: {note.text}")
    for line in _lines(scored, top):
        put(line)


def _told(done: int, total: int) -> None:
    end = "\r\x1b[K" if done >= total else ""
    print(f"\r\x1b[Kscoring {100 * done // max(total, 1)}%{end}", end="", file=sys.stderr, flush=True)


def _document(name: str, text: str, scored: TextScore, top: int) -> dict[str, Any]:
    return {
        "model": name,
        "text": text,
        "tokens": [
            {
                "id": token.id,
                "text": token.text,
                "start": token.start,
                "special": token.special,
                "logprob": finite(token.score.logprob) if token.score else None,
                "rank": token.score.rank if token.score else None,
                "surprisal_bits": finite(token.score.surprisal) if token.score else None,
                "entropy_bits": token.score.entropy if token.score else None,
            }
            for token in scored.tokens
        ],
        "scored": len(scored.scores),
        "bits": finite(scored.bits),
        "perplexity": finite(scored.perplexity),
        "bits_per_character": finite(scored.bits_per_character),
        "surprising": scored.surprising(top),
        "notes": [asdict(note) for note in scored.notes],
    }


def finite(value: float | None) -> float | None:
    """JSON knows no infinity: None stands for it."""
    return value if value is not None and math.isfinite(value) else None


def _lines(scored: TextScore, top: int) -> list[str]:
    width = max((min(len(visible(token.text)), _BAR) for token in scored.tokens), default=0)
    lines = [summary(scored), "", f"{'token':<{width}}  {'logprob':>9}  {'rank':>7}  {'bits':>7}  {'entropy':>7}"]
    for token in scored.tokens:
        text = f"{visible(token.text)[:_BAR]:<{width}}"
        if token.score is None:
            lines.append(f"{text}  {'-':>9}")
            continue
        bar = "█" * min(_BAR, round(token.score.surprisal))
        lines.append(
            f"{text}  {token.score.logprob:9.4f}  {token.score.rank:7}  {token.score.surprisal:7.2f}"
            f"  {token.score.entropy:7.2f}  {bar}".rstrip()
        )
    if top and scored.scores:
        lines += ["", "most surprising:"]
        lines += [in_context(scored, place) for place in scored.surprising(top)]
    return lines
