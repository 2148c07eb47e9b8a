"""`textgen-tui export`: a transcript as Markdown, plain text, HTML, JSON or a picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from engine.command_line import PROGRAM, Parser, UsageError, put, tell
from engine.session.exporting import KINDS
from engine.session.record import Record, open_record
from engine.text_files import path_of, shown_path, write_text

TO = (*KINDS, "svg")


def main(argv: Sequence[str]) -> None:
    """Export a transcript. Raises `EngineError`; no file is written over unasked."""
    args = parser().parse_args(argv)
    record = open_record(args.file)
    for line in record.trouble:
        tell(f"warning: {line}")
    if args.run is not None:
        if not 1 <= args.run <= len(record.runs):
            raise UsageError(f"--run {args.run}: the first one is 1, the last one is {len(record.runs)}")
        record = record.until(args.run - 1)
    text = exported(record, args.to, args.say_model)
    if args.out is None:
        put(text, end="")
    else:
        path = path_of(args.out)
        write_text(path, text, over=args.force, private=True)
        tell(f"written: {shown_path(path.absolute())}")


def exported(record: Record, to: str, say_model: bool = False) -> str:
    """A record as one of the kinds `TO`."""
    if to != "svg":
        return KINDS[to](record, say_model)
    from tui.export.svg import as_svg

    return as_svg(record, say_model)


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = Parser(prog=f"{PROGRAM} export", description="What stands at the end of a transcript, in another form.")
    parser.add_argument("file", type=Path, metavar="FILE", help="the transcript")
    parser.add_argument("--to", choices=TO, required=True, help="what it is to become")
    parser.add_argument("--run", type=int, metavar="N", help="as it stood after the N-th run; default: at the end")
    parser.add_argument("--out", metavar="PATH", help="the file to write; default: standard output")
    parser.add_argument("--force", action="store_true", help="write over a file of this name")
    parser.add_argument("--say_model", action="store_true", help="end with a line that says that a model wrote it")
    return parser
