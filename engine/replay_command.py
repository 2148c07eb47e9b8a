"""`textgen-tui replay`: a transcript's text as it came, or, with `--verify`, run again and compared token by token."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.command_line import PROGRAM, Parser, UsageError, add_model_options, fail, progress_told, put, tell
from engine.errors import EngineError, shown
from engine.events import Finished, Token
from engine.session.playing import played
from engine.session.record import Record, RecordedRun, open_record
from engine.session.verdict import RunVerdict


def main(argv: Sequence[str] | None = None) -> None:
    """Replay a transcript. Exit status 1 where it is not the same, 2 where that cannot be told."""
    try:
        args = parser().parse_args(argv)
        if args.speed < 0:
            raise UsageError("--speed must be 0 (at once) or more")
        record = open_record(args.file)
        for line in record.trouble:
            tell(f"warning: {line}")
        if args.verify:
            status = _verify(record, args)
        else:
            status = 0
            _show(record, args)
    except EngineError as error:
        fail(error)
    if status:
        raise SystemExit(status)


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = Parser(prog=f"{PROGRAM} replay", description="Play a transcript again, or check that it still holds.")
    parser.add_argument("file", type=Path, metavar="FILE", help="the transcript")
    parser.add_argument("--verify", action="store_true", help="run it again and compare token by token")
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="X", help="so many times as fast on a terminal; 0 for at once"
    )
    parser.add_argument("--plain", action="store_true", help="as text on the terminal, not in the session")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    parser.add_argument(
        "--trust_model_path",
        action="store_true",
        help="load the models and adapters that the file names, where they are on this machine; nothing is fetched",
    )
    add_model_options(parser)
    return parser


# The text, from the file alone


def _show(record: Record, args: argparse.Namespace) -> None:
    if args.json:
        put(json.dumps([_shown_run(run) for run in record.runs]))
        return
    speed = args.speed if sys.stdout.isatty() else 0.0
    for run in record.runs:
        put(f"=== RUN {run.number + 1} OF {len(record.runs)} · {run.model_name or 'unnamed'} · {run.how} ===")
        several = run.settings.num_return_sequences > 1
        if several or not speed:
            for number, text in enumerate(run.texts(), 1):
                if several:
                    put(f"--- sequence {number} ---")
                put(run.prompt + text)
        else:
            _play(run, speed)


def _play(run: RecordedRun, speed: float) -> None:
    put(run.prompt, end="")
    told = ""
    for wait, event in played(run, speed):
        time.sleep(wait)
        if isinstance(event, Token):
            put(event.text, end="")
            told += event.text
        elif isinstance(event, Finished) and event.sequences and event.sequences[0].text.startswith(told):
            put(event.sequences[0].text[len(told) :], end="")
    put("")


def _shown_run(run: RecordedRun) -> dict[str, Any]:
    return {"model": run.model_name, "how": run.how, "time": run.time, "prompt": run.prompt, "texts": run.texts()}


# Run again


def _verify(record: Record, args: argparse.Namespace) -> int:
    if not record.runs:
        raise UsageError("there is no run in this transcript")
    from engine.models.for_replay import ReplayModels
    from engine.session.replay import replay

    def leave(what: str) -> bool:
        return args.trust_model_path or _asked(f"The transcript names the {shown(what)}. Load it?")

    verdicts = []
    with progress_told() as report:
        place = {"family": args.model_type, "device": args.device, "dtype": args.dtype}
        models = ReplayModels(args.model_name_or_path, leave, progress=report, **place)
        for item in replay(record, models):
            if isinstance(item, RunVerdict):
                verdicts.append(item)
                if not args.json:
                    put(_line(item, len(record.runs)))
    differing = [verdict for verdict in verdicts if verdict.difference is not None]
    failed = [verdict for verdict in verdicts if verdict.error]
    environment = list(dict.fromkeys(line for verdict in verdicts for line in verdict.environment))
    if args.json:
        put(json.dumps(_document(verdicts, environment)))
    else:
        _sum_up(verdicts, differing, failed, environment)
    return 1 if differing else 2 if failed else 0


def _asked(question: str) -> bool:
    """A person's yes; nobody's is no."""
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stderr.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _line(verdict: RunVerdict, runs: int) -> str:
    start = f"run {verdict.run + 1} of {runs}: "
    if verdict.error:
        return f"{start}not run again: {verdict.error}"
    if verdict.difference is None:
        return f"{start}identical ({_tokens(verdict.tokens)})"
    if verdict.agreeing == verdict.tokens and verdict.difference.kind != "end":
        return f"{start}the same {_tokens(verdict.tokens)}, log-probabilities up to {verdict.gap:.2g} apart"
    gap = f", log-probabilities up to {verdict.gap:.2g} apart" if verdict.gap else ""
    return f"{start}{verdict.agreeing} of {_tokens(verdict.tokens)} the same{gap}"


def _sum_up(
    verdicts: list[RunVerdict], differing: list[RunVerdict], failed: list[RunVerdict], environment: list[str]
) -> None:
    if differing:
        put(f"different: {differing[0].difference}")
    elif not failed:
        total = sum(verdict.tokens for verdict in verdicts)
        put(f"identical: {len(verdicts)} run{'' if len(verdicts) == 1 else 's'}, {_tokens(total)}")
    for verdict in differing:
        if verdict.reused:
            put(f"run {verdict.run + 1}: {verdict.reused[0]} tokens were in the cache then, {verdict.reused[1]} now")
    for line in environment:
        put(f"around it: {line}")
    if differing and not environment:
        put("around it: nothing that the record knows of is different")


def _document(verdicts: list[RunVerdict], environment: list[str]) -> dict[str, Any]:
    return {
        "identical": all(verdict.identical for verdict in verdicts),
        "runs": [
            {
                "run": verdict.run + 1,
                "identical": verdict.identical,
                "tokens": verdict.tokens,
                "agreeing": verdict.agreeing,
                "largest_logprob_gap": verdict.gap,
                "difference": str(verdict.difference) if verdict.difference else None,
                "error": verdict.error or None,
            }
            for verdict in verdicts
        ],
        "environment": environment,
    }


def _tokens(count: int) -> str:
    return f"{count:,} token{'' if count == 1 else 's'}"
