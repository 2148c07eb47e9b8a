"""`textgen-tui compare`: one prompt and one seed under several settings, presets or models, one under the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

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
from engine.comparison import Outcome, Parting, Variant, outcomes, parting
from engine.errors import EngineError
from engine.presets import Shelf
from engine.safe_text import safe_text
from engine.settings import Settings
from engine.variants import sweep_from, variant_from

MARK = "┊"
"""Stands in a text where it parts from the first."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the texts of all variants. A user's error is one line, exit status 2."""
    try:
        _main(argv)
    except EngineError as error:
        fail(error)


def parser() -> Parser:
    """The command's flags."""
    parser = Parser(
        prog=f"{PROGRAM} compare",
        description="One prompt and one seed under several settings, presets or models, and where the texts part.",
        epilog="The flags are the ground that every variant stands on. Where there is one --with alone, what the flags "
        "ask for is set beside it.",
    )
    parser.add_argument("--prompt", default="", help="default: asked for, or read from standard input")
    parser.add_argument(
        "--with",
        dest="variants",
        nargs="+",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variant: settings, preset=4 or model=NAME, several of them for one variant; repeatable",
    )
    parser.add_argument("--sweep", metavar="NAME=V,V,...", help="a variant for each value; also NAME=LOW..HIGH/STEP")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_model_options(parser)
    add_setting_options(parser)
    return parser


def _main(argv: Sequence[str] | None) -> None:
    args = parser().parse_args(argv)
    settings = settings_from(args)
    variants = variants_of(args.variants, args.sweep, settings)
    prompt = prompt_from(args.prompt)
    done: dict[int, Outcome] = {}
    for place, outcome in outcomes(variants, prompt, lambda name: load_from(args, name)):
        done[place] = outcome
        if sys.stderr.isatty():
            tell(f"{len(done)} of {len(variants)}: {outcome.variant.name}")
    found = [done[place] for place in range(len(variants))]
    if all(outcome.error for outcome in found):
        raise EngineError(found[0].error)
    if args.json:
        put(json.dumps(_document(prompt, settings, found)))
        return
    _tell_notes(found)
    for line in _lines(found):
        put(line)


def variants_of(given: Sequence[Sequence[str]], sweep: str | None, settings: Settings) -> list[Variant]:
    """What is compared, two at least; each is checked before anything runs. Raises `UsageError`, `SettingError`."""
    if sweep is not None:
        if given:
            raise UsageError("--with and --sweep: give one of the two")
        changes = [[change] for change in sweep_from(sweep)]
        if len(changes) < 2:
            raise UsageError(f"--sweep {sweep:.40}: must be a setting and its values, as in temperature=0.2,0.6,1.0")
        return [variant_from(change, settings, Shelf()) for change in changes]
    if not given:
        raise UsageError("nothing to compare: give --with name=value (also twice and more) or --sweep name=value,value")
    shelf = Shelf()
    shelf.load()
    variants = [variant_from(change, settings, shelf) for change in given]
    return [Variant("as the flags say", settings), *variants] if len(variants) == 1 else variants


def _partings(found: Sequence[Outcome]) -> list[list[Parting | None]]:
    """Of each variant's sequences, where they part from those of the first variant that came to an end."""
    first = next(outcome for outcome in found if not outcome.error)
    rows = []
    for outcome in found:
        same = outcome.variant.model == first.variant.model
        pairs = zip(first.sequences, outcome.sequences, strict=False)
        rows.append([None if outcome is first else parting(*pair, same_model=same) for pair in pairs])
    return rows


def _document(prompt: str, settings: Settings, found: Sequence[Outcome]) -> dict[str, Any]:
    rows = []
    for outcome, partings in zip(found, _partings(found), strict=True):
        moved = Settings().differences(outcome.variant.settings)
        plain = outcome.variant.settings.to_dict()
        sequences = [
            {
                "text": sequence.text,
                "token_ids": list(sequence.token_ids),
                "finish_reason": sequence.finish_reason,
                "score": sequence.score,
                "parts": asdict(where) if where else None,
            }
            for sequence, where in zip_longest(outcome.sequences, partings)
        ]
        row = {"name": outcome.variant.name, "model": outcome.variant.model}
        rows.append(
            row
            | {"settings": {name: plain[name] for name in moved}, "sequences": sequences, "error": outcome.error}
            | {"notes": [asdict(note) for note in outcome.notes]}
        )
    return {"prompt": prompt, "seed": settings.seed, "variants": rows}


def _tell_notes(found: Sequence[Outcome]) -> None:
    """Each note once, and of which variant it is where not all have it."""
    for note in dict.fromkeys(note for outcome in found for note in outcome.notes):
        its = [outcome.variant.name for outcome in found if note in outcome.notes]
        tell(f"{note.level}: {note.text}" + ("" if len(its) == len(found) else f" ({'; '.join(its)})"))


def _lines(found: Sequence[Outcome]) -> list[str]:
    lines = []
    for number, (outcome, partings) in enumerate(zip(found, _partings(found), strict=True), 1):
        lines.append(f"=== {number}. {safe_text(outcome.variant.name)} ===")
        if outcome.error:
            lines.append(f"failed: {outcome.error}")
        for sequence, where in zip_longest(outcome.sequences, partings):
            text = sequence.text
            if where is not None:
                text = text[: where.characters] + MARK + text[where.characters :]
            lines.append(text)
            lines.append(_told(outcome, found, where))
        lines.append("")
    return lines[:-1]


def _told(outcome: Outcome, found: Sequence[Outcome], where: Parting | None) -> str:
    first = next(at for at, each in enumerate(found, 1) if not each.error)
    if outcome is found[first - 1]:
        return "    (what the others are set against)"
    if where is None:
        return f"    (the same as {first})"
    tokens = "" if where.tokens is None else f"{where.tokens} tokens, "
    return f"    ({MARK} parts from {first} after {tokens}{where.characters} characters)"
