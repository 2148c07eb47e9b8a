"""A transcript as a whole: its runs with what shaped them, and what was done between them.

Tokens stay in the file until they are asked for, so a file of 100 MB is opened by looking at its lines' beginnings.
Nothing that is read is trusted: no path in it is opened, and nothing is loaded because a file says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.errors import SettingError, TranscriptError
from engine.events import (
    Adapted,
    Beams,
    Changed,
    Event,
    Failed,
    Finished,
    Note,
    Noted,
    Prefilled,
    Prepared,
    Stopped,
    Token,
)
from engine.session.format import VERSION, problem
from engine.session.lines import event_of
from engine.session.reading import parsed, raw_lines, read
from engine.settings import PARAMETERS, Settings
from engine.settings.adapters import names
from engine.text_files import shown_path

# Of these there may be as many as tokens; they are read when they are asked for.
_MANY = ("token", "beams", "layer", "candidates", "drafted", "forgot")
_BEGINNINGS = tuple(f'{{"event": "{name}"'.encode() for name in _MANY)
_TOKEN = _BEGINNINGS[0]
_OF_RUNS = frozenset(
    {*_MANY, "prepared", "note", "prefill", "change", "adapters", "pause", "resume", "stop", "finish", "failed"}
)

MOST_LINES = 200_000
"""Lines beside the tokens that are taken of one file."""

Line = Mapping[str, Any]


@dataclass(eq=False)
class RecordedRun:
    """A run as it was recorded; `number` counts from 0 in the file, `start` and `end` are its place there in bytes.

    `settings` are those that it began with, as far as they can be taken: `trouble` says what cannot.
    """

    path: Path
    number: int
    start: int
    line: Line
    settings: Settings
    trouble: tuple[str, ...] = ()
    end: int = 0
    told: int = 0
    """How many tokens there are, of all sequences."""
    prepared: Prepared | None = None
    prefilled: Prefilled | None = None
    changes: list[Changed] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    adapted: list[Adapted] = field(default_factory=list)
    pauses: list[int] = field(default_factory=list)
    """Before which new tokens it was held."""
    stopped: int | None = None
    """The index of the first token that did not come, where it was ended by hand."""
    _last: Line | None = field(default=None, repr=False)

    @property
    def model(self) -> dict[str, Any]:
        """What is said of the model and of the machine."""
        return dict(self.line["model"])

    @property
    def model_name(self) -> str:
        """What the user called the model; empty where that is not said."""
        name = self.model.get("name")
        return name if isinstance(name, str) else ""

    @property
    def prompt(self) -> str:
        """The text that it went on from, as it was shown."""
        return str(self.line["prompt"])

    @property
    def time(self) -> str:
        """When it began, in ISO 8601; empty where that is not said."""
        return str(self.line.get("time", ""))

    @property
    def how(self) -> str:
        """`new` from a prompt, `on` from where a sequence stopped, `anew` as the last run was, `picked`, `compare`."""
        return str(self.line.get("how") or ("new" if self.sequence is None else "on"))

    @property
    def aside(self) -> bool:
        """Whether it ran beside the text, on caches of its own: it has no part in what stands."""
        return self.how == "compare"

    @property
    def sequence(self) -> int | None:
        """The sequence that it went on from, and in whose place it stands."""
        return self.line.get("sequence")

    @property
    def drawn(self) -> int:
        """How many draws of the random stream lie before it."""
        return int(self.line.get("drawn", 0))

    @property
    def fresh(self) -> bool | None:
        """Whether the model had computed nothing before; None where that is not said."""
        return self.line.get("fresh")

    @property
    def whole(self) -> bool:
        """Whether it has its end; else the file does not go so far."""
        return self._last is not None

    @property
    def adapters(self) -> list[str]:
        """The names of all adapters that it wore, from its beginning or a token on."""
        texts = [self.settings.adapters, *(change.new for change in self.changes if change.name == "adapters")]
        found: dict[str, None] = {}
        for text in texts:
            with suppress(ValueError):  # what cannot be read is not put on either
                found |= dict.fromkeys(names(str(text)))
        return list(found)

    @property
    def adapter_files(self) -> list[Mapping[str, Any]]:
        """What is said of the files of each, once for every time that it was put on."""
        begun = self.model.get("adapters")
        known = begun if isinstance(begun, list) else []
        return [*(one for one in known if isinstance(one, dict)), *(one for a in self.adapted for one in a.adapters)]

    def events(self) -> Iterator[tuple[Event, float | None]]:
        """What the run told, read anew from the file, and the seconds since its beginning where they are known."""
        tokens: dict[int, list[Token]] = {}
        for line in read(self.path, self.start, self.end):
            event = event_of(line, tokens)
            if event is None:
                continue
            if isinstance(event, Token):
                tokens.setdefault(event.sequence, []).append(event)
            yield event, line.get("seconds") if isinstance(event, Token) else None

    @cached_property
    def tokens(self) -> dict[int, list[Token]]:
        """The tokens of each sequence."""
        tokens: dict[int, list[Token]] = {}
        for event, _ in self.events():
            if isinstance(event, Token):
                tokens.setdefault(event.sequence, []).append(event)
        return tokens

    @property
    def outcome(self) -> Finished | Failed | None:
        """How it ended; None where that is not recorded."""
        event = event_of(self._last, self.tokens) if self._last else None
        return event if isinstance(event, Finished | Failed) else None

    def texts(self) -> list[str]:
        """What each sequence says, as far as it came."""
        outcome = self.outcome
        if outcome is not None and outcome.sequences:
            return [sequence.text for sequence in outcome.sequences]
        count = max([self.settings.num_return_sequences, *(number + 1 for number in self.tokens if number < 64)])
        return ["".join(token.text for token in self.tokens.get(number, ())) for number in range(count)]

    @cached_property
    def steps(self) -> int:
        """How many steps it took: one more than the index of the last."""
        return max((e.index + 1 for e, _ in self.events() if isinstance(e, Token | Beams)), default=0)

    def take(self, line: Line) -> bool:
        """Take over a line that is this run's; False where it is none of a run."""
        if line["event"] not in _OF_RUNS:
            return False
        if line["event"] == "pause" and not problem(line):
            self.pauses.append(line["at"])
        match event_of(line):
            case Token():
                self.told += 1
            case Prepared() as event:
                self.prepared = event
            case Prefilled() as event:
                self.prefilled = event
            case Changed() as event:
                self.changes.append(event)
            case Adapted() as event:
                self.adapted.append(event)
            case Noted(note):
                self.notes.append(note)
            case Stopped(at):
                self.stopped = at
            case Finished() | Failed():
                self._last = line
        return True


@dataclass(eq=False)
class Record:
    """A transcript: `entries` are its runs and the lines between them, in their order.

    `trouble` says in one line each what could not be read.
    """

    path: Path
    entries: list[RecordedRun | Line] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    version: int = 0

    @property
    def runs(self) -> list[RecordedRun]:
        """The runs in their order."""
        return [entry for entry in self.entries if isinstance(entry, RecordedRun)]

    def until(self, run: int) -> Record:
        """The record as it was when this run, counted from 0, had ended."""
        end = self.entries.index(self.runs[run]) + 1
        return replace(self, entries=self.entries[:end])


def open_record(path: Path) -> Record:
    """Read a transcript as far as it goes. Raises `TranscriptError` for what cannot be read or is no transcript."""
    record = Record(path)
    run: RecordedRun | None = None
    number = skipped = known = 0
    for place, raw in raw_lines(path):
        number += 1
        if raw is None:
            skipped += 1
            continue
        if run is not None and raw.startswith(_BEGINNINGS) and raw.endswith(b"}"):
            run.told += raw.startswith(_TOKEN)
            run.end = place + 1
            continue
        line = parsed(raw)
        wrong = "" if line is None else problem(line)
        if line is None or wrong:
            skipped += bool(raw.strip())
            if line is not None and line["event"] == "run":
                run = None
                record.trouble.append(f"line {number}: a run that cannot be read ({wrong})")
            continue
        if known == MOST_LINES:
            record.trouble.append(f"only its first {MOST_LINES:,} lines beside the tokens are read")
            break
        known += 1
        if line["event"] == "run":
            run = _run(record, line, place)
        elif run is None or not run.take(line):
            record.entries.append(line)
        else:
            run.end = place + 1
    if not known:
        raise TranscriptError(f"{shown_path(path)}: this is no transcript")
    if skipped:
        lines = "1 line could not be read and is" if skipped == 1 else f"{skipped} lines could not be read and are"
        record.trouble.append(f"{lines} left out")
    if record.version > VERSION:
        record.trouble.insert(
            0,
            f"written by a newer version of the program (format {record.version}, this one knows {VERSION}): "
            "what is known of it can be shown and exported, but may not be all",
        )
    return record


def _run(record: Record, line: Line, place: int) -> RecordedRun:
    settings, trouble = settings_of(line["settings"])
    run = RecordedRun(record.path, len(record.runs), place, line, settings, trouble, place + 1)
    record.version = max(record.version, line["version"])
    record.entries.append(run)
    return run


def settings_of(values: Mapping[str, Any]) -> tuple[Settings, tuple[str, ...]]:
    """The settings that a record names, and a line for each that this program does not know or take."""
    known = {name: value for name, value in values.items() if name in PARAMETERS}
    trouble = [f"there is no setting {name:.40} here" for name in values if name not in PARAMETERS][:20]
    try:
        return Settings(**known), tuple(trouble)
    except SettingError:
        pass
    settings = Settings()
    for name, value in known.items():
        try:
            settings = settings.changed(**{name: value})
        except SettingError as error:
            trouble.append(str(error))
    return settings, tuple(trouble)
