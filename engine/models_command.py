"""`textgen-tui models`: those on this machine, what one of them is and takes, and getting one from the hub."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.command_line import PROGRAM, Parser, UsageError, fail, progress_told, put, tell, whole_number
from engine.errors import EngineError, shown
from engine.events import Progress
from engine.models.wording import described, table
from engine.safe_text import safe_block

if TYPE_CHECKING:
    from engine.models.catalogue import Details, Entry
    from engine.models.estimate import Estimate

ACTIONS = {
    "list": "the models on this machine",
    "show": "what a model is, and the memory that it takes",
    "fetch": "get a model from the hub, or go on with what was begun",
    "search": "models for text generation that the hub has",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one of the actions; `list` where none is named. A user's error is one line, exit status 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    actions: dict[str, Callable[[list[str]], None]] = {"list": _list, "show": _show, "fetch": _fetch, "search": _search}
    try:
        if not words or words[0].startswith("-"):
            words = ["list", *words]
        if words[0] not in actions:
            raise UsageError(f"models {shown(words[0])}: must be one of {', '.join(actions)}")
        actions[words[0]](words[1:])
    except EngineError as error:
        fail(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _parser(action: str) -> Parser:
    others = "; ".join(f"{PROGRAM} models {name}: {what}" for name, what in ACTIONS.items() if name != action)
    what = ACTIONS[action]
    return Parser(prog=f"{PROGRAM} models {action}", description=f"{what[0].upper()}{what[1:]}.", epilog=others)


def _list(words: list[str]) -> None:
    parser = _parser("list")
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="where to look; default: the current folder")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    args = parser.parse_args(words)

    from engine.models.catalogue import entries

    folders = [Path(folder).expanduser() for folder in args.folders]
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing:
        raise UsageError(f"{shown(str(missing[0]))}: no such folder")
    _told(list(entries(folders)), args.json)


def _search(words: list[str]) -> None:
    parser = _parser("search")
    parser.add_argument("text", nargs="+", metavar="TEXT", help="what their names have in them")
    parser.add_argument("--limit", default="20", metavar="N", help="how many at most (default: 20)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    args = parser.parse_args(words)
    limit = whole_number("--limit", args.limit, 1, 1000)

    from engine.models.hub import search

    _told(search(" ".join(args.text), limit), args.json)


def _told(found: list[Entry], as_json: bool) -> None:
    if as_json:
        put(json.dumps([_plain(entry) for entry in found]))
        return
    for line in table(found):
        put(line)


def _show(words: list[str]) -> None:
    parser = _parser("show")
    parser.add_argument("name", metavar="MODEL", help="as --model_name_or_path takes it")
    parser.add_argument("--dtype", default="auto", help="the precision to count with (default: as it would be loaded)")
    parser.add_argument("--device", default="cpu", help="where it is to have room: cpu (default), cuda, cuda:N or mps")
    parser.add_argument("--length", metavar="N", help="tokens of text (default: all that the model takes)")
    parser.add_argument("--card", action="store_true", help="its card as well: licence, limits, use")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    args = parser.parse_args(words)
    length = whole_number("--length", args.length, 1, 1_000_000_000) if args.length is not None else None

    from engine.models.card import card
    from engine.models.catalogue import details, entry_of
    from engine.models.estimate import checked_dtype, estimate

    entry = entry_of(args.name)
    known, dtype = details(entry), checked_dtype(args.dtype)
    room = estimate(known, dtype, device=args.device, free_bytes=_free(args.device), length=length)
    found = card(entry.path) if entry.path else _remote_card(entry.name) if args.card else None
    if args.json:
        put(json.dumps(_document(entry, known, room) | ({"card": asdict(found)} if args.card and found else {})))
        return
    for line in described(entry, known, room):
        put(line)
    if args.card:
        text = found.text if found else ""
        put("\n" + safe_block(text or "This model comes without a card: nobody says what it may be used for."))


def _fetch(words: list[str]) -> None:
    parser = _parser("fetch")
    parser.add_argument("name", metavar="REPOSITORY", help="of the hub, such as gpt2")
    parser.add_argument("--revision", help="a branch, a tag or a commit (default: the main one)")
    args = parser.parse_args(words)

    from engine.models.hub import fetch
    from engine.quantities import bytes_text

    last = Progress("")
    again = f"go on with: {PROGRAM} models fetch {args.name}" + (
        f" --revision {args.revision}" if args.revision else ""
    )
    try:
        with progress_told() as report:

            def told(progress: Progress) -> None:
                nonlocal last
                last = progress
                if report:
                    report(progress)

            folder = fetch(args.name, told, args.revision)
    except KeyboardInterrupt:
        here = f" at {bytes_text(last.done)} of {bytes_text(last.total)}" if last.total else ""
        tell(f"{PROGRAM}: stopped{here}; what has come is kept, {again}")
        raise SystemExit(130) from None
    put(str(folder))


def _free(device: str) -> int | None:
    """What the device has free; torch is only asked where it is no CPU."""
    if device.startswith("cpu"):
        return None
    from engine.models.placement import memory_free, pick_device

    return memory_free(pick_device(device))


def _remote_card(repository: str) -> Any:
    from engine.models.hub_search import remote_card

    return remote_card(repository)


def _plain(entry: Entry) -> dict[str, Any]:
    when = None if entry.last_used is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.last_used))
    return asdict(entry) | {"path": str(entry.path) if entry.path else None, "last_used": when}


def _document(entry: Entry, known: Details, room: Estimate) -> dict[str, Any]:
    return {**_plain(entry), "details": asdict(known) | {"family": known.family}, "estimate": asdict(room)}
