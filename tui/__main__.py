"""The `textgen-tui` command: the full-screen session, or one of the subcommands. Nothing heavy is imported here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

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
from engine.user_files import config_path
from tui.config import FILE_NAME, read
from tui.config.starting import starting

# OpenMP's threads spin while they wait and starve the screen; this must be set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

COMMANDS = {
    "generate": "generate text without the full-screen session",
    "inspect": "the tokens of a prompt, and what could come next",
    "score": "how likely the model finds a text, token by token",
    "compare": "the same prompt under several settings or models",
    "config": "where the config file is; writes one where none is",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. A user's error is one line on standard error and exit status 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = words[0] if words else ""
    if command == "generate":
        from engine import run_generation

        run_generation.main(words[1:])
    elif command == "inspect":
        from engine import inspect_command

        inspect_command.main(words[1:])
    elif command == "score":
        from engine import score_command

        score_command.main(words[1:])
    elif command == "compare":
        from engine import compare_command

        compare_command.main(words[1:])
    else:
        try:
            if command == "config":
                from tui.config.command import main as config

                config(words[1:])
                return
            _session(words)
        except EngineError as error:
            fail(error)


def _session(words: Sequence[str]) -> None:
    commands = "; ".join(f"{PROGRAM} {name}: {what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog=PROGRAM,
        description="A full-screen session with a language model.",
        epilog=f"Beside the session: {commands}. Every setting can be changed in the session, while it writes.",
    )
    parser.add_argument("--prompt", default="", help="what stands in the prompt at first")
    parser.add_argument("--version", action="store_true", help="tell the version and leave")
    add_model_options(parser)
    add_setting_options(parser)
    args = parser.parse_args(words)
    if args.version:
        from importlib.metadata import version

        put(f"{PROGRAM} {version(PROGRAM)}")
        return
    settings, config = starting(args, read(config_path(FILE_NAME)))
    # A browser's server speaks to the session through pipes, and says so to Textual.
    if not (os.environ.get("TEXTUAL_DRIVER") or (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError(f"the session needs a terminal; without one use: {PROGRAM} generate")

    from engine.session.transcript import Transcript, new_path
    from tui.app import TextgenApp
    from tui.widgets.welcome import is_first_start
    from tui.worker import LoadJob

    load = LoadJob(args.model_name_or_path or config.model or None, args.model_type, args.device, args.dtype)
    transcript = Transcript(new_path(), make_folder=True)
    app = TextgenApp(settings, load, transcript, prompt=args.prompt, config=config, welcome=is_first_start())
    app.run()
    if transcript.path.exists():
        tell(f"transcript: {transcript.path}")
    if app.worker.busy:
        # Still importing or reading: the interpreter's own end would pull its modules away from under it. The
        # transcript is flushed with every line, so nothing is lost.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(app.return_code or 0)
    if app.return_code:
        raise SystemExit(app.return_code)


if __name__ == "__main__":
    main()
