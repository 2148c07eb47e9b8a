"""From a record to the session that it tells of: what happened is done once more, by the session's own methods.

So a session that was left can be gone on with as if it had not been, and one that is played looks as it looked. What a
record says is not trusted: a step that cannot be is passed over, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.errors import SettingError, TranscriptError
from engine.events import Changed, Event, Failed, Finished, Prepared, Sequence, Timing, Token
from engine.session.record import Record, RecordedRun, open_record
from engine.session.same_model import same_weights
from engine.settings import PARAMETERS, Settings
from engine.settings.run import sequence_seed
from engine.text_files import shown_path
from tui.pieces import Piece
from tui.session import Addition, Session
from tui.writing import Writing, Written

MOST_TROUBLES = 3
_DONE = ("edit", "undo", "redo")


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a record: a run begins, or tells an event, or a line stands between the runs."""

    run: RecordedRun | None = None
    event: Event | None = None
    line: Mapping[str, Any] | None = None
    seconds: float | None = None
    """Since the run began, where that is known."""


def moments(record: Record) -> Iterator[Moment]:
    """All that a record tells, in its order. A run that was cut off gets an end of its own."""
    for entry in record.entries:
        if not isinstance(entry, RecordedRun):
            yield Moment(line=entry)
            continue
        yield Moment(run=entry)
        ended = False
        for event, seconds in entry.events():
            yield Moment(entry, event, seconds=seconds)
            ended = isinstance(event, Finished | Failed)
            if ended:
                break
        if not ended:
            yield Moment(entry, _cut_off(entry))


def restored(path: Path, settings: Settings) -> Restoring:
    """The session of a transcript as it was at the end. Raises `TranscriptError` for what is none."""
    record = open_record(path)
    restoring = Restoring(Session(settings), list(record.trouble))
    for moment in moments(record):
        restoring.take(moment)
    if not record.runs:
        raise TranscriptError(f"{shown_path(path)}: there is no run in this transcript")
    return restoring


@dataclass
class Restoring:
    """A session as far as its record has been followed; `model` is what wrote the newest of it."""

    session: Session
    trouble: list[str] = field(default_factory=list)
    model: Mapping[str, Any] | None = None
    runs: int = 0

    def take(self, moment: Moment) -> list[Addition]:
        """Do what happened; what it adds to the text is handed back, as `Session.hear` does."""
        if moment.line is not None:
            self._line(moment.line)
        elif moment.event is None:
            assert moment.run is not None
            self._begin(moment.run)
        elif (event := self._heard(moment.event)) is not None:
            return self.session.hear(event)
        return []

    def told(self) -> list[str]:
        """The first of what could not be taken, and how much there is beyond."""
        more = len(self.trouble) - MOST_TROUBLES
        return [*self.trouble[:MOST_TROUBLES], *([f"{more} more of this kind"] if more > 0 else [])]

    # Runs

    def _begin(self, run: RecordedRun) -> None:
        self.runs += 1
        self.trouble += run.trouble
        if self.model is not None and not same_weights(self.model, run.model):
            without_ids(self.session)
        self.model = run.model
        session, sequence = self.session, run.sequence
        if session.running:  # it never told anything
            session.abandon()
        start = session.writing.start
        if sequence is None:
            session.settings = run.settings
            session.begin(run.prompt)
            return
        session.settings = _kept(run.settings, session.settings)
        if run.how != "anew" and session.can_go_on(sequence):
            job = session.go_on(sequence)
        elif start is not None and start.sequence == sequence:
            same = run.settings.seed == start.seed and run.drawn == start.drawn
            job = session.regenerate(None if same else run.settings.seed)
        else:
            job = None
        if job is None or job.shown_prompt != run.prompt:
            self._say(f"run {self.runs} does not go on from what stands before it: it is taken as one by itself")
            session.abandon()
            session.settings = run.settings
            session.begin(run.prompt)

    def _heard(self, event: Event) -> Event | None:
        """The event as the session can hear it as things stand, or None: what a record says can be anything."""
        session = self.session
        if not session.running or isinstance(event, Finished | Failed):
            return event if session.running else None
        if isinstance(event, Prepared):
            return event if session.beginning else None
        if session.beginning:
            return None
        if isinstance(event, Changed):
            return self._changed(event)
        count = 1 if session.goes_on else len(session.sequences)
        return event if getattr(event, "sequence", 0) < count else None

    def _changed(self, event: Changed) -> Changed | None:
        try:
            self.session.settings = self.session.settings.changed(**{event.name: event.new})
            check = PARAMETERS[event.name].check
            return replace(event, old=check(event.old), new=check(event.new))
        except (SettingError, KeyError) as error:
            self._say(str(error))
            return None

    # Between the runs

    def _line(self, line: Mapping[str, Any]) -> None:
        if line["event"] not in _DONE:
            return
        session = self.session
        if session.running:
            return
        if line["event"] == "edit":
            if session.can_go_on(line["sequence"]):
                session.edit(line["sequence"], line["text"])
            else:
                self._say(f"an edit of sequence {line['sequence'] + 1}, which is not there")
            return
        moved = session.undo() if line["event"] == "undo" else session.redo()
        there = session.writing
        if not moved or (there.prompt, [written.text for written in there.sequences]) != (
            line["prompt"],
            line["texts"],
        ):
            # Its own word for what stood there then counts, but for what was marked in it.
            self._say(
                f"what was there after an {line['event']} is not what comes of it: its text is taken as it stands"
            )
            texts = tuple(
                Written(sequence_seed(session.settings.seed, number), (Piece("model", text),))
                for number, text in enumerate(line["texts"])
            )
            session.writing = Writing(line["prompt"], texts, used=there.used)

    def _say(self, trouble: str) -> None:
        self.trouble.append(trouble)


def without_ids(session: Session) -> None:
    """Let all that is written be read as text by the next run: its ids are another model's."""
    session.writing = _as_text(session.writing)
    session.timeline.change(_as_text)


def _as_text(writing: Writing) -> Writing:
    sequences = tuple(replace(written, ids=(), drawn=written.drawn) for written in writing.sequences)
    start = writing.start
    if start is not None:
        before = tuple(replace(written, ids=()) for written in start.writing.sequences)
        start = replace(start, writing=replace(start.writing, sequences=before))
    return replace(writing, sequences=sequences, start=start)


def _kept(settings: Settings, before: Settings) -> Settings:
    """The settings of a run that went on, with what such a run sets aside as it was before."""
    try:
        return settings.changed(seed=before.seed, num_return_sequences=before.num_return_sequences)
    except SettingError:
        return settings


def _cut_off(run: RecordedRun) -> Finished | Failed:
    """The end of a run whose own is not in the file: as if it had been stopped after its last token."""
    count = 1 if run.sequence is not None else run.settings.num_return_sequences
    ends = []
    for number in range(count):
        tokens = run.tokens.get(number, [])
        text = "".join(token.text for token in tokens)
        ids, logprobs = tuple(token.id for token in tokens), tuple(token.logprob for token in tokens)
        ends.append(Sequence(ids, text, logprobs, "cancelled", drawn=run.drawn + len(ids)))
    return Finished(tuple(ends), Timing(0.0, 0.0, run.told))
