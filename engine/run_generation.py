"""`textgen-tui generate`: the run_generation script's command, flag for flag, with what has come since."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.command_line import (
    PROGRAM,
    Parser,
    UsageError,
    add_model_options,
    add_setting_options,
    fail,
    load_from,
    prompt_from,
    put,
    schedule_from,
    settings_from,
    tell,
)
from engine.controls import Controls
from engine.conversation import gap
from engine.errors import EngineError, TranscriptError
from engine.events import Changed, Event, Failed, Finished, Note, Noted, Prepared, Tensors, Token
from engine.outputs import as_json, asked, unseen
from engine.session.transcript import Transcript
from engine.settings import Settings
from engine.settings.adapters import names

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel


def main(argv: Sequence[str] | None = None) -> list[str]:
    """Generate text as the flags say, print it, and return prompt + continuation of each sequence.

    A user's error is one line on standard error and exit status 2, with nothing on standard output.
    """
    try:
        return _main(argv)
    except EngineError as error:
        fail(error)


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = Parser(prog=f"{PROGRAM} generate", description="Generate text without the full-screen session.")
    parser.add_argument("--prompt", default="", help="default: asked for, or read from standard input")
    add_model_options(parser)
    add_setting_options(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="one JSON document instead of text")
    output.add_argument("--stream", action="store_true", help="print the text as it arrives (one sequence only)")
    output.add_argument("--record", type=Path, metavar="FILE", help="append a transcript to FILE (JSON lines)")
    output.add_argument(
        "--at",
        nargs=2,
        action="append",
        default=[],
        metavar=("N", "NAME=VALUE"),
        help="change a setting from the N-th new token on, N from 0; repeatable",
    )
    return parser


def _main(argv: Sequence[str] | None) -> list[str]:
    args = parser().parse_args(argv)
    settings = settings_from(args)
    controls = Controls(schedule=schedule_from(args.at, settings))
    args.json = args.json or settings.return_dict_in_generate
    if args.stream and (args.json or settings.num_return_sequences > 1):
        raise UsageError("--stream prints one sequence as text: leave out --json and --num_return_sequences")
    if not args.json:
        settings, notes = unseen(settings)
        for note in notes:
            tell(f"{note.level}: {note.text}")
    transcript = Transcript(args.record) if args.record else None
    if transcript:
        transcript.open()  # a file that cannot be written is told before the model is loaded
    model = load_from(args)
    prompt = prompt_from(args.prompt)
    if transcript:
        with _put_off():
            identity = model.identity(names(settings.adapters))
            transcript.run(model=identity, prompt=prompt, settings=settings, how="new", fresh=True)
    stream = _Stream(prompt, settings) if args.stream else None
    with _interruptible(controls):
        told = _collect(model, prompt, settings, controls, transcript, stream)
    texts = [prompt + gap(prompt, settings) + sequence.text for sequence in told.finished.sequences]
    if args.json:
        put(json.dumps(_document(model, prompt, settings, told)))
    elif not stream:
        for number, text in enumerate(texts, 1):
            put(_header(number))
            put(text)
    if transcript:
        transcript.close()
        if transcript.held:
            raise TranscriptError(transcript.trouble)
    return texts


def _collect(
    model: LoadedModel,
    prompt: str,
    settings: Settings,
    controls: Controls,
    transcript: Transcript | None,
    stream: _Stream | None,
) -> _Told:
    """Run to the end, telling notes as they come. Raises `EngineError` where the run failed."""
    from engine.generation import generate

    prepared = Prepared("", ())
    notes: list[Note] = []
    tensors: list[dict[str, Any]] = []
    for event in generate(model, prompt, settings, controls):
        if transcript:
            with _put_off():
                transcript.event(event)
        if stream:
            stream.event(event)
        match event:
            case Prepared():
                prepared = event
                notes += event.notes
                for note in event.notes:
                    tell(f"{note.level}: {note.text}")
            case Noted(note):
                notes.append(note)
                tell(f"{note.level}: {note.text}")
            case Tensors():
                tensors.append(as_json(event))
            case Failed(error):
                raise EngineError(error)
            case Finished():
                for index in controls.ahead:
                    note = Note("warning", "at-not-reached", f"--at {index} was not reached before the run ended.")
                    notes.append(note)
                    tell(f"{note.level}: {note.text}")
                return _Told(prepared, notes, tensors, event)
    raise EngineError("the run ended without a result")


@dataclass(frozen=True)
class _Told:
    """What a run told: `tensors` as JSON has them, step by step, where the settings ask for them."""

    prepared: Prepared
    notes: list[Note]
    tensors: list[dict[str, Any]]
    finished: Finished


@contextmanager
def _put_off() -> Iterator[None]:
    """A record that cannot be written now is no reason to stop writing: it is tried again, and told in the end."""
    try:
        yield
    except TranscriptError as error:
        tell(f"warning: {error}")


class _Stream:
    """Prints one sequence as it arrives; what may turn out to begin the stop text is held back."""

    def __init__(self, prompt: str, settings: Settings) -> None:
        self._prompt = prompt
        self._gap = gap(prompt, settings)
        self._stop = settings.stop_token
        self._text = ""
        self._printed = 0

    def event(self, event: Event) -> None:
        match event:
            case Prepared():
                put(_header(1))
                put(self._prompt + self._gap, end="")
            case Changed(name="stop_token"):
                self._stop = event.new
            case Token():
                before = len(self._text)
                self._text += event.text
                self._print(self._sure(before))
            case Finished():
                self._text = event.sequences[0].text
                self._print(len(self._text))
                put("")

    def _print(self, until: int) -> None:
        put(self._text[self._printed : until], end="")
        self._printed = max(self._printed, until)

    def _sure(self, before: int) -> int:
        """How much of the text no stop text can take back any more; so much of it was there `before`."""
        end = len(self._text)
        if not self._stop:
            return end
        found = self._text.find(self._stop, max(0, before - len(self._stop) + 1))
        if found >= 0:
            return found
        lengths = range(min(len(self._stop) - 1, end), 0, -1)
        return end - next((n for n in lengths if self._text.endswith(self._stop[:n])), 0)


@contextmanager
def _interruptible(controls: Controls) -> Iterator[None]:
    """Ctrl+C ends the run after its current token and keeps what came; a second one interrupts as usual."""

    def stop(*_: Any) -> None:
        controls.stop()
        signal.signal(signal.SIGINT, before)

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread: whoever called decides
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _document(model: LoadedModel, prompt: str, settings: Settings, told: _Told) -> dict[str, Any]:
    timing = told.finished.timing
    return {
        "model": model.name,
        "family": model.family.name,
        "strategy": settings.strategy,
        "seed": settings.seed,
        "prompt": prompt,
        "prepared_prompt": told.prepared.text,
        "prompt_token_ids": list(told.prepared.ids),
        "notes": [{"level": note.level, "code": note.code, "text": note.text} for note in told.notes],
        "sequences": [
            {
                "text": prompt + gap(prompt, settings) + sequence.text,
                "continuation": sequence.text,
                "token_ids": list(sequence.token_ids),
                "logprobs": list(sequence.logprobs),
                "score": sequence.score,
                "finish_reason": sequence.finish_reason,
            }
            for sequence in told.finished.sequences
        ],
        **({"tensors": told.tensors} if asked(settings) else {}),
        "timing": {
            "prefill_s": timing.prefill_s,
            "decode_s": timing.decode_s,
            "tokens_per_s": timing.tokens_per_s,
        },
    }


def _header(number: int) -> str:
    return f"=== GENERATED SEQUENCE {number} ==="
