"""`textgen-tui inspect`: tokens of a text, of ids or of the vocabulary, and what the model was about to say."""

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
    whole_number,
)
from engine.errors import EngineError
from engine.settings.shapes import SynthIDMark, Watermark
from engine.vocabulary import HELP, VocabularyToken, found, ids_from, parsed
from engine.weighing_table import table_lines, visible

if TYPE_CHECKING:
    from engine.inspection import NextToken, TextToken
    from engine.models.loaded import LoadedModel
    from engine.sampling.synthid import SynthIDDetected
    from engine.sampling.watermark import Detected
    from engine.settings import Settings


def main(argv: Sequence[str] | None = None) -> None:
    """Print what was asked for, by itself or as JSON. A user's error is one line, exit status 2."""
    try:
        _main(argv)
    except EngineError as error:
        fail(error)


_WIDTH = 160  # columns of a table; a pipe has no width of its own


def _main(argv: Sequence[str] | None) -> None:
    parser = Parser(prog=f"{PROGRAM} inspect", description="The tokens of a prompt, and what could come next.")
    parser.add_argument("--prompt", default="", help="default: asked for, or read from standard input")
    parser.add_argument("--text", help="the tokens of this text alone, without what comes next")
    parser.add_argument("--decode", metavar="IDS", help="the text of these token ids, as in --decode '464 318'")
    parser.add_argument("--vocabulary", metavar="SEARCH", help=f"search the vocabulary: {HELP}".replace("%", "%%"))
    parser.add_argument("--top", default="12", metavar="N", help="how many tokens to list (default: 12)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_model_options(parser)
    add_setting_options(parser)
    args = parser.parse_args(argv)
    settings, top = settings_from(args), whole_number("--top", args.top, 1, 10_000)
    asked = [name for name in ("text", "decode", "vocabulary") if getattr(args, name) is not None]
    if len(asked) > 1 or (asked and args.prompt):
        raise UsageError("--prompt, --text, --decode and --vocabulary: give one of them")
    ids = ids_from(args.decode or "")
    if args.decode is not None and not ids:
        raise UsageError(f"--decode {args.decode:.40}: must be token ids, as in --decode '464 318'")
    parsed(args.vocabulary or "")  # what cannot be understood is said before a model is loaded
    model = load_from(args)
    if args.vocabulary is not None:
        document, lines = _vocabulary(model, args.vocabulary)
    elif asked:
        document, lines = _tokens(model, args.text, ids)
    else:
        document, lines = _prompt(model, prompt_from(args.prompt), settings, top)
    if args.json:
        put(json.dumps(document))
        return
    for note in document.get("notes", ()):
        tell(f"{note['level']}: {note['text']}")
    for line in lines:
        put(line)


def _prompt(model: LoadedModel, prompt: str, settings: Settings, top: int) -> tuple[dict[str, Any], list[str]]:
    """A prompt's tokens, its next-token table, and its watermark where one is asked about."""
    from engine.inspection import next_token, tokens

    table = next_token(model, prompt, settings, top)
    its_own = tokens(model, table.prepared.text if settings.chat else prompt)
    document, lines = _document(model.name, prompt, its_own, table), _lines(its_own, table)
    mark = _mark(model, [token.id for token in its_own], settings.watermarking_config)
    if mark:
        document["watermark"] = asdict(mark)
        lines.append(f"\nwatermark: z-score {mark.z_score:.2f} (p {mark.p_value:.2g}), {mark.what}")
    return document, lines


def _mark(model: LoadedModel, ids: list[int], mark: Watermark | None) -> Detected | SynthIDDetected | None:
    """What can be told of the watermark that is asked for."""
    from engine.sampling import synthid, watermark

    if mark is None:
        return None
    return synthid.detected(model, ids, mark) if isinstance(mark, SynthIDMark) else watermark.detected(model, ids, mark)


def _tokens(model: LoadedModel, text: str | None, ids: tuple[int, ...]) -> tuple[dict[str, Any], list[str]]:
    """The tokens of a text, or of ids whose text is told."""
    from engine.inspection import TextToken, text_of, tokens

    if text is None:
        text = text_of(model, ids)
        its_own = [TextToken(i, model.piece(i), i in model.special_ids) for i in ids]
    else:
        its_own = tokens(model, text)
    document = {"model": model.name, "text": text, "tokens": [asdict(token) for token in its_own]}
    lines = [f"{len(its_own)} tokens: {_pieces(its_own)}", f"ids: {' '.join(str(token.id) for token in its_own)}"]
    return document, [*([text] if ids else []), *lines]


def _vocabulary(model: LoadedModel, query: str) -> tuple[dict[str, Any], list[str]]:
    """The tokens of the vocabulary that a search finds."""
    from engine.inspection import vocabulary

    everything = vocabulary(model)
    its_own = found(everything, query)
    document = {
        "model": model.name,
        "search": query,
        "vocabulary": len(everything),
        "count": len(its_own),
        "tokens": [asdict(token) for token in its_own],
    }
    lines = [f"{token.id:>8}  {visible(token.text)}{_special(token)}" for token in its_own]
    return document, [f"{len(its_own):,} of {len(everything):,} tokens", *lines]


def _document(name: str, prompt: str, its_own: list[TextToken], table: NextToken) -> dict[str, Any]:
    return {
        "model": name,
        "prompt": prompt,
        "prepared_prompt": table.prepared.text,
        "prompt_token_ids": list(table.prepared.ids),
        "tokens": [asdict(token) for token in its_own],
        "next": [asdict(candidate) for candidate in table.candidates],
        "entropy_bits": {"raw": table.raw_entropy, "processed": table.entropy},
        "stages": list(table.stages),
        "by_stage": [
            {
                "stage": stage.name,
                "entropy_bits": stage.entropy,
                "tokens_left": stage.left,
                "probabilities": list(stage.probabilities),
                "ranks": list(stage.ranks),
            }
            for stage in table.weighing.stages
        ],
        "notes": [asdict(note) for note in table.prepared.notes],
    }


def _lines(its_own: list[TextToken], table: NextToken) -> list[str]:
    before = len(table.prepared.ids) - len(its_own)
    more = f" and {before} that the model gets before them" if before > 0 else ""
    stages = ", ".join(table.stages) or "no stage (none is on)"
    return [
        f"{len(its_own)} tokens: {_pieces(its_own)}{more}",
        f"ids: {' '.join(str(token.id) for token in its_own)}",
        "",
        f"entropy {table.raw_entropy:.2f} bits raw, {table.entropy:.2f} after {stages}",
        *table_lines(table.weighing, _WIDTH),
    ]


def _pieces(its_own: list[TextToken]) -> str:
    return "".join(f"[{visible(token.text)}{_special(token)}]" for token in its_own)


def _special(token: TextToken | VocabularyToken) -> str:
    """A mark, since a special token's text may as well be text."""
    return "*" if token.special else ""
