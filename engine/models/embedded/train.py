"""The command that trains the embedded model on any folder of text:

    python -m engine.models.embedded.train --text FOLDER --out FOLDER --minutes 50

What a run needs to go on after a stop lies in the output folder until the model is finished. It goes on on any
machine and device: the two folders are all that has to travel, the text packed as `.txt.xz`. Nothing is downloaded.
A finished model can go on learning, `--from` its folder, which keeps the history of its runs.
`engine.models.embedded.measure` then measures the model.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers.utils import logging as library_logging

from engine.errors import EngineError, one_line
from engine.models.embedded.loop import Event, Job, Prepared, Progress, Sampled, train
from engine.models.embedded.recipe import Recipe
from engine.models.embedded.start import recipe_of
from engine.safe_text import safe_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Exit status: 0 done, 2 bad input, 130 interrupted."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    options = _parser().parse_args(arguments)
    job = Job(
        text=options.text,
        out=options.out,
        steps=options.steps,
        minutes=options.minutes,
        early_minutes=options.early,
        start=options.start,
        mix=tuple(options.mix),
        compiled=options.compile,
        device=options.device,
    )
    library: Any = library_logging
    library.disable_progress_bar()  # of the library's own, for files that are written in a blink
    try:
        recipe = (recipe_of(options.start) if options.start else Recipe()).changed(dict(options.set))
        for event in train(job, recipe):
            print(safe_text(line(event)), flush=True)
    except EngineError as error:
        print(f"train: {safe_text(one_line(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train: stopped; the same command goes on from the last saved step", file=sys.stderr)
        return 130
    return 0


def line(event: Event) -> str:
    """An event as one line for people."""
    if isinstance(event, Prepared):
        sizes = ", ".join(f"{name} {count:,}" for name, count in event.tokens.items())
        return f"tokens: {sizes}; parameters: {event.parameters:,}; from step {event.step}"
    if isinstance(event, Progress):
        return (
            f"step {event.step}  loss {event.loss:.3f}  held-out {_losses(event.held_out)}  "
            f"{event.tokens_per_second:,.0f} tokens/s  {_clock(event.seconds_left)} left"
        )
    if isinstance(event, Sampled):
        return f"step {event.step}  {event.opening}{event.text}".replace("\n", " / ")
    kind = "final" if event.final else "early"
    return f"{kind} model in {event.folder} at step {event.step}: held-out {_losses(event.held_out)}"


def _losses(held_out: Mapping[str, float]) -> str:
    known = {name: loss for name, loss in held_out.items() if not math.isnan(loss)}
    return ", ".join(f"{name} {loss:.3f}" for name, loss in known.items()) or "-"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _share(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SHARE") from None


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _steps(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine.models.embedded.train",
        description="Train a small GPT-2 on a folder of .txt or .txt.xz files (documents parted by blank "
        "lines, a paragraph a line). A stopped run goes on when started again with the same --out.",
    )
    parser.add_argument("--text", type=Path, required=True, metavar="FOLDER", help="the text to learn from")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the model goes")
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FOLDER",
        help="go on from a finished model of this script, with its recipe where --set says nothing else",
    )
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=_steps, help="train so many steps; exactly reproducible")
    length.add_argument("--minutes", type=_minutes, help="train so long by the clock")
    parser.add_argument("--early", type=_minutes, metavar="MINUTES", help="also write an early model then")
    parser.add_argument(
        "--mix",
        type=_share,
        action="append",
        default=[],
        metavar="NAME=SHARE",
        help="share of a file in the training; files not named are left out (default: all, by size)",
    )
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another value for a hyper-parameter, such as seed=2 or width=320 (see recipe.py)",
    )
    parser.add_argument(
        "--device", default="auto", help="auto (the GPU where there is one), cpu or cuda; the weights start the same"
    )
    parser.add_argument("--compile", action="store_true", help="compile the network: faster on long runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
