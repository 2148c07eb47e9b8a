"""The `textgen-tui` command: the full-screen session, or one of the subcommands. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from engine.command_line import (
    PROGRAM,
    Parser,
    UsageError,
    add_model_options,
    add_setting_options,
    fail,
    put,
    tell,
)
from engine.errors import EngineError
from engine.text_files import path_of
from engine.user_files import config_path
from tui.config import FILE_NAME, read
from tui.config.starting import starting

if TYPE_CHECKING:
    from engine.session.transcript import Transcript
    from tui.screens.transcripts import Choice

# OpenMP's threads spin while they wait and starve the screen; this must be set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

COMMANDS = {
    "generate": "generate text without the full-screen session",
    "inspect": "the tokens of a prompt, and what could come next",
    "score": "how likely the model finds a text, token by token",
    "compare": "the same prompt under several settings or models",
    "finetune": "train the model on a text file, whole or by a LoRA",
    "replay": "play a transcript again, or verify that it still comes out the same",
    "export": "a transcript as Markdown, plain text, HTML, JSON or a picture",
    "import": "a text or chat from elsewhere, as a prompt or a transcript",
    "models": "the models on this machine and on the hub: list, show, fetch, search",
    "config": "where the config file is; writes one where none is",
}

_ENGINE = {
    "generate": "run_generation",
    "inspect": "inspect_command",
    "score": "score_command",
    "compare": "compare_command",
    "models": "models_command",
    "finetune": "finetune.command",
}
"""Commands that the engine has the whole of, by their modules."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. A user's error is one line on standard error and exit status 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = words[0] if words else ""
    if command in _ENGINE:
        import_module(f"engine.{_ENGINE[command]}").main(words[1:])
    else:
        try:
            if command == "config":
                from tui.config.command import main as config

                config(words[1:])
            elif command == "export":
                from tui.export.command import main as export

                export(words[1:])
            elif command == "import":
                from tui.export.importing import main as taken_over

                taken_over(words[1:])
            elif command == "replay":
                _replay(words[1:])
            else:
                _session(words)
        except EngineError as error:
            fail(error)


def _replay(words: Sequence[str]) -> None:
    """In the session where there is a terminal and nothing else is asked for."""
    from engine import replay_command

    given = replay_command.parser().parse_args(words)
    if given.verify or given.json or given.plain or not _has_terminal():
        replay_command.main(words)
        return
    args = _parser().parse_args([])
    for name in ("model_name_or_path", "model_type", "device", "dtype"):
        setattr(args, name, getattr(given, name))
    _run(args, _opening(str(given.file), "play", given.speed))


def _session(words: Sequence[str]) -> None:
    args = _parser().parse_args(words)
    if args.version:
        from importlib.metadata import version

        put(f"{PROGRAM} {version(PROGRAM)}")
        return
    if not _has_terminal():
        starting(args, read(config_path(FILE_NAME)))  # what is wrong with the flags is worse
        raise UsageError(f"the session needs a terminal; without one use: {PROGRAM} generate")
    _run(args, _opening(args.open, "open"))


def _parser() -> Parser:
    commands = "; ".join(f"{PROGRAM} {name}: {what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog=PROGRAM,
        description="A full-screen session with a language model.",
        epilog=f"Beside the session: {commands}. Every setting can be changed in the session, while it writes.",
    )
    parser.add_argument("--prompt", default="", help="what stands in the prompt at first")
    parser.add_argument("--open", metavar="FILE", help="a transcript to go on from")
    parser.add_argument("--no_record", action="store_true", help="write nothing of the session down by itself")
    parser.add_argument("--version", action="store_true", help="tell the version and leave")
    add_model_options(parser)
    add_setting_options(parser)
    return parser


def _has_terminal() -> bool:
    """A browser's server speaks to the session through pipes, and says so to Textual."""
    return bool(os.environ.get("TEXTUAL_DRIVER") or (sys.stdin.isatty() and sys.stdout.isatty()))


def _run(args: argparse.Namespace, opening: Choice | None) -> None:
    settings, config = starting(args, read(config_path(FILE_NAME)))

    from engine.session.places import Unrecorded
    from engine.session.transcript import Transcript, new_path
    from tui.app import TextgenApp
    from tui.jobs import LoadJob
    from tui.widgets.welcome import is_first_start

    load = LoadJob(args.model_name_or_path or config.model or None, args.model_type, args.device, args.dtype)
    recording = config.record and not args.no_record
    transcript = Transcript(new_path(), make_folder=True) if recording else Unrecorded()
    welcome = opening is None and is_first_start()
    app = TextgenApp(settings, load, transcript, prompt=args.prompt, config=config, welcome=welcome, opening=opening)
    app.run()
    _tell_record(app.worker.transcript)
    if app.left_tuning:
        tell(f"the fine-tuning goes on with: {PROGRAM} finetune --resume {app.left_tuning}")
    if app.worker.busy:
        # Still importing or reading: the interpreter's own end would pull its modules away from under it. The
        # transcript is flushed with every line, so nothing is lost.
        if not app.session.running:
            app.worker.end_record()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(app.return_code or 0)
    if app.return_code:
        raise SystemExit(app.return_code)


def _tell_record(transcript: Transcript) -> None:
    if transcript.held:
        tell(f"{transcript.trouble}; {transcript.held} lines of it are lost")
    if transcript.path.is_file():
        tell(f"transcript: {transcript.path}")


def _opening(file: str | None, what: Literal["open", "play"], speed: float = 1.0) -> Choice | None:
    """What to begin with; `FileError` for a name that is no file, before the screen is there."""
    if file is None:
        return None
    from engine.session.reading import raw_lines
    from tui.screens.transcripts import Choice

    path = path_of(file)
    next(raw_lines(path), None)
    return Choice(what, path.absolute(), speed)


if __name__ == "__main__":
    main()
