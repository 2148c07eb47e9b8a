"""`textgen-tui inspect`: the tokens of a prompt and what the model was about to say, as text or JSON."""

from __future__ import annotations

import json
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
)
from engine.errors import EngineError
from engine.safe_text import safe_text
from engine.settings.shapes import SynthIDMark, Watermark

if TYPE_CHECKING:
    from engine.inspection import NextToken, TextToken
    from engine.models.loaded import LoadedModel
    from engine.sampling.synthid import SynthIDDetected
    from engine.sampling.watermark import Detected


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tokens of a prompt and its next-token table. A user's error is one line, exit status 2."""
    try:
        _main(argv)
    except EngineError as error:
        fail(error)


def _main(argv: Sequence[str] | None) -> None:
    parser = Parser(prog=f"{PROGRAM} inspect", description="The tokens of a prompt, and what could come next.")
    parser.add_argument("--prompt", default="", help="default: asked for, or read from standard input")
    parser.add_argument("--top", default="12", metavar="N", help="how many tokens to list (default: 12)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_model_options(parser)
    add_setting_options(parser)
    args = parser.parse_args(argv)
    settings = settings_from(args)
    if not args.top.isdecimal() or not 1 <= int(args.top) <= 10_000:
        raise UsageError(f"--top {args.top:.20}: must be a whole number at least 1, at most 10000")
    model = load_from(args)
    prompt = prompt_from(args.prompt)

    from engine.inspection import next_token, tokens

    table = next_token(model, prompt, settings, int(args.top))
    found = tokens(model, prompt)
    mark = _mark(model, [token.id for token in found], settings.watermarking_config)
    if args.json:
        put(json.dumps(_document(model.name, prompt, found, table) | ({"watermark": asdict(mark)} if mark else {})))
        return
    for note in table.prepared.notes:
        tell(f"{note.level}: {note.text}")
    for line in _lines(found, table):
        put(line)
    if mark:
        put(f"\nwatermark: z-score {mark.z_score:.2f} (p {mark.p_value:.2g}), {mark.what}")


def _mark(model: LoadedModel, ids: list[int], mark: Watermark | None) -> Detected | SynthIDDetected | None:
    """What can be told of the watermark that is asked for."""
    from engine.sampling import synthid, watermark

    if mark is None:
        return None
    return synthid.detected(model, ids, mark) if isinstance(mark, SynthIDMark) else watermark.detected(model, ids, mark)


def _document(name: str, prompt: str, found: list[TextToken], table: NextToken) -> dict[str, Any]:
    return {
        "model": name,
        "prompt": prompt,
        "prepared_prompt": table.prepared.text,
        "prompt_token_ids": list(table.prepared.ids),
        "tokens": [asdict(token) for token in found],
        "next": [asdict(candidate) for candidate in table.candidates],
        "entropy_bits": {"raw": table.raw_entropy, "processed": table.entropy},
        "stages": list(table.stages),
        "notes": [asdict(note) for note in table.prepared.notes],
    }


def _lines(found: list[TextToken], table: NextToken) -> list[str]:
    pieces = "".join(f"[{_visible(token.text)}]" for token in found)
    width = max((len(_visible(candidate.text)) for candidate in table.candidates), default=0)
    before = len(table.prepared.ids) - len(found)
    lines = [
        f"{len(found)} tokens: {pieces}" + (f" and {before} that the model gets before them" if before > 0 else ""),
        f"ids: {' '.join(str(token.id) for token in found)}",
        "",
        f"entropy {table.raw_entropy:.2f} bits raw, {table.entropy:.2f} after "
        + (", ".join(table.stages) or "no stage (none is on)"),
        f"{'':>4}  {'token':<{width}}  {'raw':>8}  {'sampled':>8}",
    ]
    for candidate in table.candidates:
        kept = f"{candidate.probability:8.4f}" if candidate.probability > 0 else f"{'cut':>8}"
        text = _visible(candidate.text)
        bar = "█" * round(24 * candidate.probability)
        lines.append(f"{candidate.raw_rank:>4}  {text:<{width}}  {candidate.raw_probability:8.4f}  {kept}  {bar}")
    return lines


def _visible(text: str) -> str:
    return safe_text(text).replace(" ", "␣")
