"""A session and the run that may be under way: settings, what is written, what a run adds to it. No widgets here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.controls import Controls
from engine.conversation import ANSWERS, gap
from engine.events import Begun, Changed, Event, Failed, Finished, Forgot, Prepared, Token
from engine.settings import PARAMETERS, Settings
from engine.settings.run import sequence_seed
from engine.window import reach
from tui.jobs import ModelFacts, RunJob
from tui.labels import Labelled
from tui.pieces import Kind, Piece
from tui.sight import NOTHING, Hidden, hidden_by
from tui.steps import Step
from tui.timeline import Timeline
from tui.writing import Growing, Start, Writing, Written

Addition = tuple[int, str, Kind]
"""What is to be shown at the end of a sequence: its number, the text or a mark's label, the kind."""


@dataclass
class Running:
    """State that outlives a run, and the one run that may be under way.

    `writing` is what is written but for what the run under way has added; it and what lies on the timeline never
    change, they are left for others.
    """

    settings: Settings
    facts: ModelFacts | None = None
    run: int = 0
    controls: Controls | None = None
    writing: Writing = field(default_factory=Writing)
    timeline: Timeline[Writing] = field(default_factory=Timeline)
    roads: Labelled = field(default_factory=Labelled)
    new_tokens: int = 0
    _begun: Writing | None = None
    _before: Writing = field(default_factory=Writing)
    _seed: int = 0
    _job: RunJob | None = None
    _growing: dict[int, Growing] = field(default_factory=dict)

    # What is written

    @property
    def sequences(self) -> tuple[Written, ...]:
        """The sequences, as the run under way found them."""
        return self.writing.sequences

    def pieces(self, sequence: int) -> list[Piece]:
        """All of a sequence as it stands now, prompt and marks too."""
        growing = self._growing.get(sequence)
        return self.writing.pieces(sequence) + (growing.pieces if growing else [])

    def written(self, sequence: int) -> int:
        """How many tokens of a sequence the model wrote, in one run or several."""
        if sequence >= len(self.sequences):
            return 0
        growing = self._growing.get(sequence)
        return self.sequences[sequence].tokens + (growing.tokens if growing else 0)

    def hidden(self, sequence: int) -> Hidden:
        """What of a sequence is out of the model's sight."""
        growing = self._growing.get(sequence)
        if growing is not None:
            return growing.hidden
        return self.sequences[sequence].hidden if sequence < len(self.sequences) else NOTHING

    @property
    def places(self) -> dict[str, int | None]:
        """For the status line: tokens that the model sees of the longest sequence, those that it does not, and how
        many it can see under the settings of now (None: without a limit).
        """
        lengths = [len(self._ids(number)) for number in range(len(self.sequences))]
        longest = max(range(len(lengths)), key=lengths.__getitem__, default=0)
        out = self.hidden(longest).tokens
        used = max(lengths, default=0) - out
        return {"used": used, "out": out, "positions": self.reach}

    @property
    def reach(self) -> int | None:
        """How many tokens the model can see under the settings of now; None where there is no limit."""
        return reach(self.settings, self.facts.positions if self.facts else None)

    def _ids(self, sequence: int) -> Sequence[int]:
        growing = self._growing.get(sequence)
        return growing.ids if growing else self.sequences[sequence].ids

    # Runs

    @property
    def running(self) -> bool:
        """True from the key press until the run's last event."""
        return self.controls is not None

    @property
    def beginning(self) -> bool:
        """True from the key press until the prompt is accepted."""
        return self._begun is not None

    def begin(self, prompt: str) -> RunJob:
        """A new run from a prompt, with the current settings; what was there stays until the prompt is accepted."""
        settings = self.settings
        sequences = tuple(
            Written(sequence_seed(settings.seed, number), answering(prompt, settings))
            for number in range(settings.num_return_sequences)
        )
        start = Start(Writing(prompt), None, settings.seed, 0)
        return self._start(Writing(prompt, sequences, start=start), prompt, settings)

    def can_go_on(self, sequence: int) -> bool:
        """True where there is such a sequence and nothing runs."""
        return not self.running and sequence < len(self.sequences)

    def go_on(self, sequence: int) -> RunJob:
        """A run that goes on where a sequence stopped, on the same random stream.

        It is a run of one sequence, and it is shown in the place of the one that it goes on from.
        """
        written = self.sequences[sequence]
        job = self._go_on(Start(replace(self.writing, start=None), sequence, written.seed, written.drawn))
        return replace(job, how="on")

    def can_regenerate(self) -> bool:
        """True where there has been a run, and none is under way."""
        return not self.running and self.writing.start is not None

    def regenerate(self, seed: int | None = None) -> RunJob:
        """The last run once more, from the same beginning and under the settings of now; edits since are left.

        With a seed that becomes the setting, and the random stream begins there; without one it is the same stream.
        """
        start = self.writing.start
        assert start is not None
        if seed is not None:
            start = replace(start, seed=seed, drawn=0)
        if seed is not None or start.sequence is None:
            self.settings = self.settings.changed(seed=start.seed)
        job = self.begin(start.writing.prompt) if start.sequence is None else self._go_on(start)
        return replace(job, how="anew")

    def _go_on(self, start: Start) -> RunJob:
        assert start.sequence is not None
        written = start.writing.sequences[start.sequence]
        labels = [mark_label(name, *pair) for name, pair in self._moved_since(start.writing).items()]
        if start.seed != written.seed:
            labels.append(mark_label("seed", written.seed, start.seed))
        going = written.to_go_on(start.seed, start.drawn, labels)
        writing = replace(start.writing.with_sequence(start.sequence, going), start=start)
        shown = writing.prompt + going.text
        settings = self.settings.changed(seed=start.seed, num_return_sequences=1)
        return self._start(writing, shown, settings, going.to_read(writing.prompt), start.drawn)

    def _moved_since(self, writing: Writing) -> dict[str, tuple[object, object]]:
        """name -> (old, new) of the live settings that were changed since the last run of that writing ended."""
        moved = writing.used.differences(self.settings) if writing.used else {}
        return {name: pair for name, pair in moved.items() if PARAMETERS[name].live}

    def _start(
        self, writing: Writing, shown: str, settings: Settings, prompt: list[int] | Begun | None = None, drawn: int = 0
    ) -> RunJob:
        self.run += 1
        self.new_tokens = 0
        self._begun, self._before, self._seed = writing, self.writing, self.settings.seed
        self.controls = Controls()
        sequence = writing.start.sequence if writing.start else None
        self._job = RunJob(
            self.run, shown if prompt is None else prompt, shown, settings, self.controls, drawn, sequence
        )
        return self._job

    def abandon(self) -> None:
        """There will be no run: it waited for a model that never came."""
        self.controls = self._begun = None

    def hear(self, event: Event) -> list[Addition]:
        """Take over what a run tells; what it adds to the text is handed back, to be shown."""
        match event:
            case Prepared():
                assert self._begun is not None
                self.writing, self._begun = self._begun, None
                assert self._job is not None
                settings, drawn = self._job.settings, self._job.drawn
                self._growing = {
                    place: Growing.beginning(event, self.sequences[place], settings, drawn) for place in self.growing
                }
            case Token():
                self.new_tokens += 1
                place = self.place(event.sequence)
                return self._add([place], self._growing[place].take(event), event.text)
            case Forgot():
                place = self.place(event.sequence)
                before = len(self.writing.prompt) + len(self.writing.sequences[place].text)
                self._growing[place].hidden = hidden_by(event, before)
            case Changed(at, name, old, new):
                for growing in self._growing.values():
                    growing.stepping.move(name, new)
                if at or self.goes_on:  # else it changes nothing in the text
                    return self._add(list(self._growing), "mark", mark_label(name, old, new))
            case Finished() | Failed():
                self._end(event)
        return []

    def _add(self, places: list[int], kind: Kind, text: str) -> list[Addition]:
        for place in places:
            self._growing[place].add(kind, text)
        return [(place, text, kind) for place in places]

    def _end(self, event: Finished | Failed) -> None:
        ends = {self.place(number): end for number, end in enumerate(event.sequences)}
        writing = replace(self.writing, used=self.settings.changed(seed=self._seed))
        for place, growing in self._growing.items():
            end = ends.get(place)
            ending = end.finish_reason if isinstance(event, Finished) and end else "failed"
            writing = writing.with_sequence(place, growing.ended(writing.sequences[place], ending, end))
        self.controls = self._begun = None
        if self._growing:  # else the prompt was not accepted, and nothing has happened
            self._growing = {}
            self._leave_for(writing, self._before)

    @property
    def goes_on(self) -> bool:
        """True where the last run, or the one under way, went on from a sequence."""
        return self.writing.start is not None and self.writing.start.sequence is not None

    @property
    def shown_settings(self) -> Settings:
        """The settings that the newest of what is shown was written with."""
        return self.writing.used if self.writing.used and not self.running else self.settings

    def place(self, sequence: int) -> int:
        """Where a sequence of the current run is shown."""
        start = self.writing.start
        return start.sequence if start is not None and start.sequence is not None else sequence

    @property
    def growing(self) -> range:
        """The sequences that the run under way writes, or the last one wrote."""
        return range(self.place(0), self.place(len(self.sequences) - 1) + 1)

    def steps(self, sequence: int) -> Sequence[Step]:
        """The tokens of a sequence as it stands now, one by one."""
        before, new = self.stretches(sequence)
        return (*before, *new)

    def stretches(self, sequence: int) -> tuple[Sequence[Step], Sequence[Step]]:
        """The same as they are kept, nothing copied: those of earlier runs, and those of the run under way."""
        if sequence >= len(self.sequences):
            return (), ()
        growing = self._growing.get(sequence)
        return self.sequences[sequence].steps, growing.stepping.steps if growing else ()

    def step(self, sequence: int, number: int) -> Step | None:
        """One of them; None where there are not so many."""
        before, new = self.stretches(sequence)
        part, number = (before, number) if number < len(before) else (new, number - len(before))
        return part[number] if number < len(part) else None

    def steps_between(self, sequence: int, start: int, end: int) -> Iterator[Step]:
        """The tokens of a sequence with text between these characters, counted after the prompt."""
        for steps in self.stretches(sequence):
            first = bisect_right(steps, start, key=lambda step: step.end)
            for number in range(first, len(steps)):
                if steps[number].start >= end:
                    break
                yield steps[number]

    def held(self, sequence: int) -> tuple[Prepared, Sequence[Step], Settings] | None:
        """For the next token of the run under way: its prompt, its steps so far, the settings that it would obey."""
        growing = self._growing.get(sequence)
        if growing is None or self._job is None:
            return None
        stepping = growing.stepping
        return stepping.origin.ready, stepping.steps, self._job.settings.obeying(self.settings)

    def _leave_for(self, writing: Writing, before: Writing) -> None:
        self.writing = writing
        self.roads.branches.add(writing)
        if writing != before:
            self.timeline.record(before)

    # Settings

    def change(self, name: str, value: object) -> None:
        """Take a new setting; a run under way obeys at its next token. Raises `SettingError`."""
        self.change_together({name: value})

    def change_together(self, values: Mapping[str, object]) -> None:
        """As `change`, for several at once: they are checked together, since single steps might be refused."""
        self.settings = self.settings.changed(**values)
        if self.controls is not None:
            self.controls.change(**values)

    def nudge(self, name: str, by: int) -> bool:
        """Move a setting a step; False where it is at its bound. Raises `SettingError`."""
        value = PARAMETERS[name].stepped(getattr(self.settings, name), by)
        if value == getattr(self.settings, name):
            return False
        self.change(name, value)
        return True


def answering(prompt: str, settings: Settings) -> tuple[Piece, ...]:
    """The mark between a conversation and what answers it."""
    return (Piece("mark", ANSWERS),) if gap(prompt, settings) else ()


def mark_label(name: str, old: object, new: object) -> str:
    """What a mark of a changed setting says."""
    parameter = PARAMETERS[name]
    return f"{parameter.title} {parameter.format(old)} → {parameter.format(new)}"
