"""The command that measures a model, writes what it found into its card, and says which of two is the better:

    python -m engine.models.embedded.measure --model FOLDER --text FOLDER --against OTHER --write

Figures that a folder keeps of the same weights and texts are taken as they are; `--again` measures anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.errors import EngineError, one_line
from engine.models.embedded import CHECKPOINT
from engine.models.embedded.corpus import read_folder
from engine.models.embedded.likelihood import PLAIN, PROSE, held_out_passages, likelihood, plain_passages, sha256
from engine.models.embedded.measured_card import likelihood_table, with_measures, writing_table
from engine.models.embedded.measures import Measures, Sample, faults, read, save
from engine.models.embedded.recipe import TrainingError
from engine.models.embedded.sample import OPENINGS, continuations
from engine.models.embedded.speed import one_thread, speed
from engine.models.embedded.writing import TEMPERATURES, counts, english_words, writing
from engine.models.fingerprint import fingerprint
from engine.safe_text import safe_text

Texts = dict[str, list[str]]
"""Passages to foretell, by kind of text."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Exit status: 0 done, 1 the model is not better than the other, 2 bad input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        texts = {PLAIN: plain_passages()} | (held_out_passages(read_folder(options.text)) if options.text else {})
        measures = figures(options.model, texts, again=options.again)
        _show(options.model, measures)
        if options.write:
            save(options.model, measures, with_measures(_card(options.model), measures))
        if options.against is None:
            return 0
        other = figures(options.against, texts, again=options.again)
        _show(options.against, other)
        found = list(faults(measures, other))
    except EngineError as error:
        print(f"measure: {safe_text(one_line(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(f"{options.model} is {'not ' if found else ''}better than {options.against}")
    for fault in found:
        print(f"- {fault}")
    return 1 if found else 0


def figures(folder: Path, texts: Texts, *, again: bool = False) -> Measures:
    """The figures of the model in `folder`: those it keeps, if they are of its weights and of `texts`, or new ones.

    Raises TrainingError or `EngineError`, one line each, if they cannot be had.
    """
    try:
        weights = fingerprint(folder)["weights"] if folder.is_dir() else ""
    except OSError as error:
        raise TrainingError(f"{folder} cannot be read: {error}") from error
    kept = None if again else read(folder)
    wanted = {kind: sha256(passages) for kind, passages in texts.items()}
    if kept and kept.weights == weights and wanted.items() <= kept.texts().items():
        return kept
    with one_thread():
        return _measured(folder, weights, texts, lambda line: print(line, file=sys.stderr, flush=True))


def _measured(folder: Path, weights: str, texts: Texts, report: Callable[[str], None]) -> Measures:
    import engine

    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder")
    loaded = engine.load(str(folder.resolve()), device="cpu", dtype="float32")
    model: Any = loaded.model
    tokenizer = getattr(loaded.tokenizer, "backend_tokenizer", None)
    if model.config.model_type != "gpt2" or tokenizer is None:
        raise TrainingError(f"{folder} is not a model that the training script made")
    english_words(set())  # without the list of words it fails here, not after a minute
    likelihoods = []
    for kind, passages in texts.items():
        report(f"{folder}: foretelling {kind}")
        likelihoods.append(likelihood(model, tokenizer, kind, passages))
    writings = []
    for temperature in TEMPERATURES:
        report(f"{folder}: writing at temperature {temperature}")
        writings.append(writing(model, tokenizer, temperature))
    if PROSE in texts:
        writings.append(counts(None, [texts[PROSE]]))
    report(f"{folder}: writing the samples")
    samples = [
        Sample(opening, continuations(model, tokenizer, opening, seed=seed)[0]) for seed, opening in enumerate(OPENINGS)
    ]
    report(f"{folder}: timing")
    return Measures(weights, tuple(likelihoods), tuple(writings), tuple(samples), speed(folder))


def _card(folder: Path) -> str:
    try:
        return (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TrainingError(f"the card of {folder} cannot be read: {error}") from error


def _show(folder: Path, measures: Measures) -> None:
    speed = measures.speed
    ready = f"ready in {speed.load_seconds:.2f} s, {speed.tokens_per_second:.0f} tokens/s on one thread"
    print(f"{folder}: {ready}\n\n{likelihood_table(measures)}\n\n{writing_table(measures)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine.models.embedded.measure",
        description="Measure a model that the training script made: how well it foretells unseen text, and what its "
        "own writing is like.",
        epilog="A model is better than another if it foretells the kinds of text better in the mean and none of them "
        "more than 5% worse, and writes no fewer English words and different pairs of words than chance explains "
        "(engine/models/embedded/measures.py).",
    )
    parser.add_argument(
        "--model", type=Path, default=CHECKPOINT, metavar="FOLDER", help="the model (default: the embedded one)"
    )
    parser.add_argument(
        "--text",
        type=Path,
        metavar="FOLDER",
        help="the text that it was trained on, whose held-out part is foretold (default: only the plain sentences)",
    )
    parser.add_argument(
        "--against", type=Path, metavar="OTHER", help="another model; exit status 1 if the first is not better"
    )
    parser.add_argument("--write", action="store_true", help="write the figures and the card into the model's folder")
    parser.add_argument("--again", action="store_true", help="measure anew what the folder keeps figures of")
    return parser


if __name__ == "__main__":
    sys.exit(main())
