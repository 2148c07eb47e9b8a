"""What the commands share: flags made from the settings' declaration, prompts, errors in one line, safe output."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from engine.errors import EngineError, SettingError, one_line
from engine.events import Progress
from engine.rate import Rate
from engine.safe_text import safe_block, safe_text
from engine.settings import PARAMETERS, Settings, parameter_named
from engine.settings.generation_config import DECIDING, named_further, strategy_of
from engine.settings.parameter import Parameter

PROGRAM = "textgen-tui"


class UsageError(EngineError):
    """A command line that cannot be understood."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and for which hyphens and underscores are the same in a flag."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        words = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args([_underscored(word) for word in words], namespace)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


class _Named(argparse.Action):
    """Keeps a flag's value, of a list of texts each; its own name counts where an older one is given beside it."""

    def __call__(self, _: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        own = option_string == f"--{self.dest}"
        if PARAMETERS[self.dest].kind == "texts":
            values = [*(getattr(namespace, self.dest) or ()), values]
        if own or self.dest not in vars(namespace).get("by_own_name", ()):
            setattr(namespace, self.dest, values)
        if own:
            namespace.by_own_name = {*vars(namespace).get("by_own_name", ()), self.dest}


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which model, where it runs and how precisely."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model_name_or_path",
        metavar="MODEL",
        help="a folder, a .gguf file, a repository of the hub, or smollm2; default: the embedded model",
    )
    group.add_argument("--model_type", default="auto", metavar="FAMILY", help="auto (default) or a family")
    group.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N, mps, or all GPUs")
    group.add_argument("--dtype", default="auto", help="auto (default), float32, bfloat16, float16, 8bit or 4bit")
    group.add_argument("--fp16", dest="dtype", action="store_const", const="float16", help="as --dtype float16")
    group.add_argument("--no_cuda", dest="device", action="store_const", const="cpu", help="as --device cpu")


def add_setting_options(parser: argparse.ArgumentParser) -> None:
    """One flag for each declared parameter, and its older names."""
    groups: dict[str, Any] = {}
    for parameter in PARAMETERS.values():
        if parameter.group not in groups:
            groups[parameter.group] = parser.add_argument_group(parameter.group)
        default = parameter.format(parameter.default)
        groups[parameter.group].add_argument(
            *parameter.flags,
            f"--{parameter.name}",
            dest=parameter.name,
            action=_Named,
            metavar=_metavar(parameter),
            **({"nargs": "?", "const": "on"} if parameter.kind == "bool" else {}),
            help=f"{parameter.help} (default: {default})".replace("%", "%%"),
        )


def settings_from(args: argparse.Namespace, base: Settings | None = None) -> Settings:
    """The settings that the flags ask for, over `base`. Raises `SettingError`."""
    texts = {name: getattr(args, name) for name in PARAMETERS if getattr(args, name) is not None}
    given = {name: _value(PARAMETERS[name], text) for name, text in texts.items()}
    given |= named_further(given.pop("generation_kwargs", None), PARAMETERS)
    if "strategy" not in given and given.keys() & DECIDING:
        given["strategy"] = strategy_of(given, draws=True)
    return (base or Settings()).changed(**given)


def schedule_from(pairs: Sequence[Sequence[str]], settings: Settings) -> dict[int, dict[str, Any]]:
    """`--at N name=value` as a schedule for `Controls`; each change is checked here, before anything runs."""
    schedule: dict[int, dict[str, Any]] = {}
    for at, change in pairs:
        if not at.isdecimal() or "=" not in change:
            raise UsageError(f"--at {at:.20} {change:.40}: must be a token's number from 0 on, then name=value")
        parameter, value = changed_from(change)
        if not parameter.live:
            raise SettingError(f"--at {at}: {parameter.name} takes effect at the next run, not in the middle of one")
        settings.changed(**{parameter.name: value})
        schedule.setdefault(int(at), {})[parameter.name] = value
    return schedule


def changed_from(change: str) -> tuple[Parameter, Any]:
    """The setting and the value that `name=value` asks for. Raises `SettingError`."""
    name, _, text = change.partition("=")
    parameter = parameter_of_flag(name)
    return parameter, _value(parameter, text)


def load_from(args: argparse.Namespace, name: str | None = None) -> Any:
    """The model that the flags name, or the one called `name`; its loading is told on standard error where that is a
    terminal.
    """
    from engine.models.load import load

    with progress_told() as report:
        return load(
            name or args.model_name_or_path,
            family=args.model_type,
            device=args.device,
            dtype=args.dtype,
            progress=report,
        )


@contextmanager
def progress_told() -> Iterator[Callable[[Progress], None] | None]:
    """What tells progress on standard error, where that is a terminal; its line is cleared in the end."""
    report = _ProgressLine() if sys.stderr.isatty() else None
    try:
        yield report
    finally:
        if report:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def prompt_from(given: str | None) -> str:
    """The prompt: the flag's, else asked for on a terminal, else standard input whole but for its last newline."""
    if given:
        return given
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        print("Model prompt >>> ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().removesuffix("\n")
    return sys.stdin.buffer.read().decode("utf-8", errors="replace").removesuffix("\n")


def whole_number(flag: str, text: str, low: int, high: int) -> int:
    """The number that a flag was given. Raises `UsageError`."""
    if not text.isdecimal() or not low <= int(text) <= high:
        raise UsageError(f"{flag} {text:.20}: must be a whole number at least {low}, at most {high}")
    return int(text)


def put(text: str, end: str = "\n") -> None:
    """Write to standard output: made safe where that is a terminal, as it stands where it is a file or a pipe."""
    shown = safe_block(text) if sys.stdout.isatty() else text
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(shown.encode(encoding, errors="backslashreplace").decode(encoding) + end)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as `head` does: end as other tools do, without a word
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None


def tell(text: str) -> None:
    """Write one line to standard error."""
    encoding = sys.stderr.encoding or "utf-8"
    line = safe_text(text).encode(encoding, errors="backslashreplace").decode(encoding)
    print(line, file=sys.stderr, flush=True)


def fail(error: BaseException) -> NoReturn:
    """One line on standard error, exit status 2."""
    tell(f"{PROGRAM}: {one_line(error)}")
    raise SystemExit(2)


class _ProgressLine:
    """One line that is written over and over: the stage, how far it is, and of a download how fast it goes."""

    def __init__(self) -> None:
        self._rate = Rate()

    def __call__(self, progress: Progress) -> None:
        parts = [safe_text(progress.stage)]
        if progress.total:
            parts[0] += f" {100 * progress.done // progress.total}%"
        if progress.unit == "bytes":
            self._rate.tell(progress.done)
            parts.append(self._rate.text(progress.done, progress.total))
        print(f"\r\x1b[K{' · '.join(parts)}", end="", file=sys.stderr, flush=True)


def _value(parameter: Parameter, text: str | list[str]) -> Any:
    if isinstance(text, list):  # a flag of texts that was given, maybe several times
        return tuple(item for each in text for item in parameter.parse(each))
    # On a command line a text is what it is: the shell has its own quotes.
    return parameter.check(text) if parameter.kind == "text" else parameter.parse(text)


def parameter_of_flag(name: str) -> Parameter:
    flag = f"--{_underscored(name)}"
    return next((p for p in PARAMETERS.values() if flag in p.flags), None) or parameter_named(name)


def _underscored(word: str) -> str:
    if not word.startswith("--"):
        return word
    flag, equals, value = word.partition("=")
    return "--" + flag[2:].replace("-", "_") + equals + value


def _metavar(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        return "{" + ",".join(parameter.choices) + "}"
    words = {"int": "N", "float": "X", "text": "TEXT", "bool": "on|off"}
    return words.get(parameter.kind, "JSON")
