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
from engine.session.format import problem
from engine.session.lines import event_of
from engine.session.reading import parsed, raw_lines
from engine.session.record import Record, RecordedRun, open_record, settings_of
from engine.session.same_model import same_weights
from engine.settings import PARAMETERS, Settings
from engine.settings.run import sequence_seed
from engine.text_files import shown_path
from tui.branches import Branch, Mark, Place
from tui.jobs import RunJob
from tui.pieces import Piece
from tui.running import Addition
from tui.session import Session
from tui.writing import Writing, Written

MOST_TROUBLES = 3
_DONE = ("edit", "undo", "redo", "rewind", "branch", "keep", "take")


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a record: a run begins, or tells an event, or a line stands beside these."""

    end: int
    """Where its line ends in the file, in bytes."""
    run: RecordedRun | None = None
    event: Event | None = None
    line: Mapping[str, Any] = field(default_factory=dict)


def moments(record: Record) -> Iterator[Moment]:
    """All that a record tells, in its order. Raises `TranscriptError` where the file cannot be read any longer."""
    runs = {run.start: run for run in record.runs}
    tokens: dict[int, list[Token]] = {}
    for place, raw in raw_lines(record.path):
        line = None if raw is None else parsed(raw)
        if raw is None or line is None or problem(line):
            continue
        end = place + len(raw) + 1
        if line["event"] == "run":
            tokens = {}
            if place in runs:
                yield Moment(end, run=runs[place])
            continue
        event = event_of(line, tokens)
        if isinstance(event, Token):
            tokens.setdefault(event.sequence, []).append(event)
        yield Moment(end, event=event, line=line)


def restored(path: Path, settings: Settings) -> Restoring:
    """The session of a transcript as it was at the end. Raises `TranscriptError` for what is none."""
    record = open_record(path)
    if not record.runs:
        raise TranscriptError(f"{shown_path(path)}: there is no run in this transcript")
    restoring = Restoring(Session(settings), list(record.trouble))
    for moment in moments(record):
        restoring.take(moment)
    restoring.finish()
    return restoring


@dataclass
class Restoring:
    """A session as far as its record has been followed; `model` is what wrote the newest of it."""

    session: Session
    trouble: list[str] = field(default_factory=list)
    model: Mapping[str, Any] | None = None
    runs: int = 0
    _run: RecordedRun | None = None
    _tokens: dict[int, list[Token]] = field(default_factory=dict)
    _beside: list[Restoring] = field(default_factory=list)
    """The runs beside the text since the last one in it, each as a session of its own: one may be taken over."""
    _aside: bool = False

    def take(self, moment: Moment) -> list[Addition]:
        """Do what happened; what it adds to the text is handed back, as `Session.hear` does."""
        if moment.run is not None:
            self.finish()
            self._aside = moment.run.aside
            if self._aside:
                self._beside.append(Restoring(Session(moment.run.settings), self.trouble))
                self._beside[-1]._begin(moment.run)
            else:
                self._beside = []
                self._begin(moment.run)
        elif moment.event is not None and self._aside:
            self._beside[-1].take(moment)
        elif moment.event is not None:
            event = self._heard(moment.event)
            if isinstance(event, Token):
                self._tokens.setdefault(event.sequence, []).append(event)
            return [] if event is None else self.session.hear(event)
        elif moment.line["event"] in _DONE:
            self.finish()
            self._line(moment.line)
        return []

    def finish(self) -> Finished | None:
        """End the run whose own end has not come, as if it had been stopped after its last token; the end it got."""
        session = self.session
        if session.beginning:
            session.abandon()  # it never told anything
        if not session.running or self._run is None:
            return None
        count = 1 if session.goes_on else len(session.sequences)
        ends = tuple(_stopped(self._tokens.get(number, []), self._drawn(number)) for number in range(count))
        end = Finished(ends, Timing(0.0, 0.0, session.new_tokens))
        session.hear(end)
        return end

    def _drawn(self, number: int) -> int:
        """How far the random stream of a sequence of the run under way has come: not every strategy draws."""
        _, steps = self.session.stretches(self.session.place(number))
        before = self._run.drawn if self._run else 0
        return steps[-1].drawn + steps[-1].settings.draws if steps else before

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
        self.model, self._run, self._tokens = run.model, run, {}
        session, sequence = self.session, run.sequence
        start = session.writing.start
        if sequence is None:
            session.settings = run.settings
            session.begin(run.prompt)
            return
        session.settings = _kept(run.settings, session.settings)
        if run.how == "picked" and session.can_go_on(sequence):
            job = self._picked(sequence, run)
        elif run.how != "anew" and session.can_go_on(sequence):
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

    def _picked(self, sequence: int, run: RecordedRun) -> RunJob:
        """A run that began with a token of a person's: which that was, its own line will tell."""
        at, steps = run.line.get("at"), self.session.steps(sequence)
        return (
            self.session.swap(sequence, at, 0)
            if isinstance(at, int) and at < len(steps)
            else (self.session.pick(sequence, 0))
        )

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
        session = self.session
        if line["event"] == "edit":
            self._edit(line["sequence"], line["text"], line.get("at"))
            return
        if line["event"] == "branch" and line["what"] != "taken":
            self._labelled(line)
            return
        moved = self._moved(line)
        there = session.writing
        if not moved or not _says(there, line):
            # Its own word for what stood there then counts, but for what was marked in it.
            self._say(f"what was there after {line['event']} is not what comes of it: its text is taken as it stands")
            session.writing = replace(self._as_it_says(line), used=there.used)

    def _edit(self, sequence: int, text: str, at: int | None) -> None:
        session = self.session
        if not session.can_go_on(sequence):
            self._say(f"an edit of sequence {sequence + 1}, which is not there")
            return
        step = None if at is None else session.step(sequence, at)
        if at is not None and step is not None and session.sequences[sequence].text[: step.start] == text[: step.start]:
            session.retype(sequence, at, text[step.start :])
        else:
            session.edit(sequence, text)

    def _as_it_says(self, line: Mapping[str, Any]) -> Writing:
        """The text that a line says stands there now."""
        seed = self.session.settings.seed
        texts = enumerate(line.get("texts", ()))
        written = (Written(sequence_seed(seed, number), (Piece("model", text),)) for number, text in texts)
        return Writing(line["prompt"], tuple(written))

    def _moved(self, line: Mapping[str, Any]) -> bool:
        session = self.session
        if line["event"] == "branch":
            branch, _ = self._branch(line)
            return branch is not None and session.take(branch)
        if line["event"] == "take":
            self._take_over(line)
            return True
        if line["event"] == "keep":
            kept = session.can_go_on(line["sequence"])
            if kept:
                session.keep(line["sequence"])
            return kept
        if line["event"] != "rewind":
            return session.undo() if line["event"] == "undo" else session.redo()
        sequence, at = line["sequence"], line["at"]
        if not session.can_go_on(sequence) or at >= len(session.steps(sequence)):
            return False
        session.rewind(sequence, at)
        return True

    def _take_over(self, line: Mapping[str, Any]) -> None:
        """What ran beside the text with this outcome, or, where there is none, the text that the line says."""
        settings = settings_of(line["settings"])[0] if "settings" in line else None
        for beside in self._beside:
            beside.finish()
            if beside.has_come_to(line, settings):
                self.model = self.model or beside.model
                writing = beside.session.writing
                same = same_weights(self.model or {}, beside.model or {})
                self.session.take_over(writing if same else _as_text(writing), beside.session.settings)
                return
        self.session.take_over(self._as_it_says(line), settings or self.session.settings)

    def has_come_to(self, line: Mapping[str, Any], settings: Settings | None) -> bool:
        """Whether its run, under these settings where they are known, wrote what a line says."""
        run = self._run
        return run is not None and settings in (None, run.settings) and _says(self.session.writing, line)

    def _branch(self, line: Mapping[str, Any]) -> tuple[Branch | None, Mark]:
        """The branch that a line is about."""
        mark = Mark(Place(line["prompt"], line["sequence"]), line["text"])
        return self.session.roads.branches.at(*mark), mark

    def _labelled(self, line: Mapping[str, Any]) -> None:
        branch, mark = self._branch(line)
        if branch is not None:
            self.session.roads.follow(line["what"], branch, mark, str(line.get("name", "")))

    def _say(self, trouble: str) -> None:
        self.trouble.append(trouble)


def _says(writing: Writing, line: Mapping[str, Any]) -> bool:
    """Whether this is what a line says stands there."""
    return (writing.prompt, [written.text for written in writing.sequences]) == (line["prompt"], line.get("texts"))


def without_ids(session: Session) -> None:
    """Let all that is written be read as text by the next run: its ids are another model's."""
    session.writing = _as_text(session.writing)
    session.timeline.change(_as_text)


def _as_text(writing: Writing) -> Writing:
    sequences = tuple(replace(written, ids=(), steps=()) for written in writing.sequences)
    start = writing.start
    if start is not None:
        before = tuple(replace(written, ids=(), steps=()) for written in start.writing.sequences)
        start = replace(start, writing=replace(start.writing, sequences=before))
    return replace(writing, sequences=sequences, start=start)


def _kept(settings: Settings, before: Settings) -> Settings:
    """The settings of a run that went on, with what such a run sets aside as it was before."""
    try:
        return settings.changed(seed=before.seed, num_return_sequences=before.num_return_sequences)
    except SettingError:
        return settings


def _stopped(tokens: list[Token], drawn: int) -> Sequence:
    """The end of a sequence that came so far."""
    ids, logprobs = tuple(token.id for token in tokens), tuple(token.logprob for token in tokens)
    return Sequence(ids, "".join(token.text for token in tokens), logprobs, "cancelled", drawn=drawn)
