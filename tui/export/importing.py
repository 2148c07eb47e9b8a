"""`textgen-tui import`: a text or a chat from elsewhere, as text or as a transcript to go on from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from engine.command_line import PROGRAM, Parser, UsageError, put, tell
from engine.errors import NameTakenError
from engine.session.importing import Imported, imported
from engine.session.transcript import Transcript
from engine.text_files import path_of, shown_path


def main(argv: Sequence[str]) -> None:
    """Import a file. Raises `EngineError`; no file is written over."""
    args = parser().parse_args(argv)
    found = imported(args.file)
    if args.list:
        for number, each in enumerate(found, 1):
            put(f"{number:>4}  {each.kind:<12} {len(each.turns):>5} turns  {each.title[:80]}")
        return
    if args.number is None and len(found) > 1:
        raise UsageError(f"there are {len(found)} texts in this file: choose one by --number N, --list shows them")
    number = args.number or 1
    if not 1 <= number <= len(found):
        raise UsageError(f"--number {number}: the first one is 1, the last one is {len(found)}")
    _give(found[number - 1], args.out, chat=args.chat)


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = Parser(
        prog=f"{PROGRAM} import",
        description="A text or chat from elsewhere: plain text, ChatGPT's conversations.json, SillyTavern's .jsonl, "
        "text-generation-webui's .json, a list of role and content, or a transcript.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the file")
    parser.add_argument("--list", action="store_true", help="list the chats that are in it")
    parser.add_argument("--number", type=int, metavar="N", help="which of them, from 1 on")
    parser.add_argument(
        "--chat", action="store_true", help="as a conversation for a chat model, as generate --chat reads it"
    )
    parser.add_argument("--out", metavar="PATH", help="make a transcript of it; default: print it as a prompt")
    return parser


def _give(chosen: Imported, out: str | None, *, chat: bool) -> None:
    prompt = chosen.conversation if chat else chosen.prompt
    if out is None:
        put(prompt)
        return
    path = path_of(out)
    if path.exists():
        raise NameTakenError(f"{shown_path(path)}: there is a file of this name")
    transcript = Transcript(path)
    transcript.write("import", prompt=prompt, texts=[], title=chosen.title, source=chosen.kind)
    transcript.close()
    tell(f"written: {shown_path(path.absolute())}")
