"""`textgen-tui finetune`: train a model on a text file, whole or by a LoRA."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from engine.command_line import PROGRAM, Parser, UsageError, add_model_options, fail, put, tell
from engine.errors import EngineError
from engine.events import Progress
from engine.finetune.events import Event, Failed, Finished, Step, to_line
from engine.finetune.job import OPTIONS, Hand, Job
from engine.finetune.wording import line
from engine.safe_text import safe_text
from engine.text_files import path_of

INTERRUPTED = 130
_LINES = 50


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. Exit status: 0 done, 2 bad input or trouble, 130 left, or stopped too soon to have learned."""
    try:
        code = _main(argv)
    except EngineError as error:
        fail(error)
    if code:
        raise SystemExit(code)


def parser() -> Parser:
    """The command's flags."""
    parser = Parser(
        prog=f"{PROGRAM} finetune",
        description="Train a model on a text file. A tenth of the text is held out, and the weights that read it best "
        "are what is kept.",
        epilog="ctrl+c ends it and keeps the best so far; a second one leaves at once. A run that was left or killed "
        "goes on from its last checkpoint when the same command is given again, or with --resume. The result is an "
        "ordinary checkpoint (or a peft adapter) with a card; without --out it goes to the folder models in the "
        "user's data folder, under a name made of the text's and the model's, and never over another.",
    )
    parser.add_argument("--text", metavar="FILE", help="the text to learn from, in UTF-8")
    parser.add_argument("--out", metavar="FOLDER", help="where the result goes; nothing may be there")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="go on with an unfinished run: the one for this folder, or the newest of the user's own",
    )
    parser.add_argument(
        "--lora",
        action="store_true",
        help="train a small adapter beside the model (Hu et al. 2021) in place of all its weights: a fraction of the "
        "memory and of the file",
    )
    for option in OPTIONS.values():
        metavar = "X" if option.kind == "float" else "N"
        parser.add_argument(f"--{option.name}", metavar=metavar, help=option.help.replace("%", "%%"))
    parser.add_argument(
        "--start", default="", metavar="TEXT", help="stands before every block: CTRL's control code, say"
    )
    parser.add_argument(
        "--prompt",
        action="append",
        default=[],
        help="an opening for samples and for the comparison with the base; repeatable; default: from the held-out text",
    )
    parser.add_argument("--json", action="store_true", help="each event as a JSON object on a line of its own")
    add_model_options(parser)
    return parser


def job_from(args: argparse.Namespace) -> Job:
    """The job that the flags ask for. Raises `UsageError`, `SettingError`, `FileError`."""
    given = {name: option.parse(text) for name, option in OPTIONS.items() if (text := getattr(args, name)) is not None}
    if given.get("steps") and given.get("epochs"):
        raise UsageError("--steps and --epochs: give one of the two")
    if given.get("rank") and not args.lora and args.resume is None:
        raise UsageError("--rank is a LoRA's: give --lora too")
    if args.resume is not None:
        return _resumed(args, given)
    if args.text is None:
        raise UsageError("--text FILE is missing: what to learn from")
    return Job(
        text=path_of(args.text).absolute(),
        model=args.model_name_or_path,
        family=args.model_type,
        device=args.device,
        dtype=args.dtype,
        out=path_of(args.out) if args.out else None,
        lora=args.lora,
        start=args.start,
        prompts=tuple(args.prompt),
        **given,
    )


def _resumed(args: argparse.Namespace, given: dict[str, Any]) -> Job:
    from engine.finetune.naming import job_of, newest
    from engine.finetune.workplace import Workplace, out_of

    if given.keys() - {"at_once"} or args.text or args.lora or args.start or args.model_name_or_path:
        raise UsageError("--resume goes on as the run was begun: of the other flags it takes --at_once and --device")
    folder = args.resume or args.out
    job = job_of(Workplace(out_of(path_of(folder).absolute())) if folder else newest())
    return replace(job, device=args.device if args.device != "auto" else job.device, **given)


def _main(argv: Sequence[str] | None) -> int:
    args = parser().parse_args(argv)
    job = _on_one_gpu(job_from(args))
    hand = Hand()
    show = _Lines(hand) if args.json else _Progress()
    end: Event | None = None

    with _signals(hand, quiet=args.json):
        from engine.finetune.loop import finetune  # which takes seconds, in which a signal may come

        for event in finetune(job, hand):
            show(event)
            end = event
    if isinstance(end, Finished):
        return 0
    if isinstance(end, Failed) and not hand.over:
        return 2
    return INTERRUPTED


def _on_one_gpu(job: Job) -> Job:
    """The library trains on the first GPU that it sees: where another is asked for, that is the only one to be seen."""
    number = re.fullmatch(r"cuda:(\d+)", job.device)
    if number is None or "torch" in sys.modules:
        return job
    os.environ["CUDA_VISIBLE_DEVICES"] = number[1]
    return replace(job, device="cuda")


@contextmanager
def _signals(hand: Hand, quiet: bool) -> Iterator[None]:
    """ctrl+c stops, a second one leaves at once; a polite kill, or a terminal that goes away, writes a checkpoint."""

    def interrupted(*_: Any) -> None:
        if hand.over:
            os._exit(INTERRUPTED)  # what is on the disk is whole
        hand.stop()
        if not quiet:
            tell("\nstopping after this step: the best so far is kept; ctrl+c again leaves at once, to go on later")

    def ended(*_: Any) -> None:
        hand.leave()

    wanted = {"SIGINT": interrupted, "SIGTERM": ended, "SIGHUP": ended}
    here = {getattr(signal, name): act for name, act in wanted.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, act) for number, act in here.items()}
    try:
        yield
    finally:
        for number, act in before.items():
            signal.signal(number, act)


class _Lines:
    """Each event as JSON; where nobody reads any more, the run is left to be gone on with."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._alone = False

    def __call__(self, event: Event) -> None:
        if self._alone:
            return
        try:
            print(to_line(event), flush=True)
        except (BrokenPipeError, ValueError):
            self._alone = True
            self._hand.leave()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Progress:
    """Lines for people; on a terminal what passes is one line that is written anew."""

    def __init__(self) -> None:
        self._rewrites = sys.stdout.isatty()
        self._passing = ""

    def __call__(self, event: Event) -> None:
        text = line(event)
        if isinstance(event, Progress | Step):
            self._pass(event, text)
            return
        self._clear()
        if isinstance(event, Failed):
            tell(f"{PROGRAM}: {text}")
        elif text:
            put(text)

    def _pass(self, event: Progress | Step, text: str) -> None:
        if self._rewrites:
            width = max(shutil.get_terminal_size().columns - 1, 20)
            sys.stdout.write(f"\r\x1b[K{safe_text(text)[:width]}")
            sys.stdout.flush()
        elif isinstance(event, Step) and (event.step % max(event.steps // _LINES, 1) == 0 or event.step == event.steps):
            put(text)
        elif isinstance(event, Progress) and event.stage != self._passing:
            put(event.stage)
        self._passing = event.stage if isinstance(event, Progress) else text

    def _clear(self) -> None:
        if self._rewrites and self._passing:
            sys.stdout.write("\r\x1b[K")
            self._passing = ""
