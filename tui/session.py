"""The session as the screen knows it: settings, the run under way, and what a run can go on from. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.controls import Controls
from engine.events import Event, Failed, Finished, Prepared, Token
from engine.settings import PARAMETERS, Settings
from tui.worker import ModelFacts, RunJob


@dataclass
class Written:
    """One sequence as far as it has come: all its ids, and the text that follows the prompt."""

    ids: list[int]
    seed: int
    text: str = ""
    drawn: int = 0
    halved: bool = False


@dataclass
class Session:
    """State that outlives a run, and the one run that may be under way."""

    settings: Settings
    facts: ModelFacts | None = None
    run: int = 0
    controls: Controls | None = None
    sequences: list[Written] = field(default_factory=list)
    prompt: str = ""
    new_tokens: int = 0
    prompt_tokens: int = 0
    _went_on: int | None = None
    _before: list[str] = field(default_factory=list)
    _kept: tuple[str, list[Written]] | None = None
    _used: Settings | None = None

    @property
    def running(self) -> bool:
        """True from the key press until the run's last event."""
        return self.controls is not None

    def begin(self, prompt: str) -> RunJob:
        """A new run from a prompt, with the current settings; what was there stays until the prompt is accepted."""
        self._kept = (self.prompt, self.sequences)
        self.prompt = prompt
        self.sequences = [
            Written([], self.settings.seed + number) for number in range(self.settings.num_return_sequences)
        ]
        self._went_on = None
        return self._start(prompt, prompt, self.settings, 0)

    def go_on(self, sequence: int) -> RunJob:
        """A run that goes on where a sequence stopped, on the same random stream.

        It is a run of one sequence, and it is shown in the place of the one that it goes on from.
        """
        written = self.sequences[sequence]
        if written.halved:  # the sign for half a character gives way to the character
            written.text, written.halved = written.text[:-1], False
        settings = self.settings.changed(seed=written.seed % 2**32, num_return_sequences=1)
        self._went_on, self._kept = sequence, None
        return self._start(list(written.ids), self.prompt + written.text, settings, written.drawn)

    def moved_since(self) -> dict[str, tuple[object, object]]:
        """name -> (old, new) of the live settings that were changed since the last run ended."""
        moved = self._used.differences(self.settings) if self._used else {}
        return {name: pair for name, pair in moved.items() if PARAMETERS[name].live}

    @property
    def shown_settings(self) -> Settings:
        """The settings that the newest of what is shown was written with."""
        return self.settings if self.running or self._used is None else self._used

    def can_go_on(self, sequence: int) -> bool:
        """True where that sequence has a beginning that the model has seen."""
        return not self.running and sequence < len(self.sequences) and bool(self.sequences[sequence].ids)

    def place(self, sequence: int) -> int:
        """Where a sequence of the current run is shown."""
        return sequence if self._went_on is None else self._went_on

    def change(self, name: str, value: object) -> None:
        """Take a new setting; a run under way obeys at its next token. Raises `SettingError`."""
        self.settings = self.settings.changed(**{name: value})
        if self.controls is not None:
            self.controls.change(**{name: value})

    def nudge(self, name: str, by: int) -> bool:
        """Move a setting a step; False where it is at its bound. Raises `SettingError`."""
        value = PARAMETERS[name].stepped(getattr(self.settings, name), by)
        if value == getattr(self.settings, name):
            return False
        self.change(name, value)
        return True

    def hear(self, event: Event) -> None:
        """Keep count of what a run tells."""
        match event:
            case Prepared(_, ids):
                for number in self.shown_places():
                    self.sequences[number].ids = list(ids)
                if self._went_on is None:
                    self.prompt_tokens = len(ids)
                self._kept = None
            case Token():
                written = self.sequences[self.place(event.sequence)]
                written.ids.append(event.id)
                written.text += event.text
                self.new_tokens += 1
            case Failed() if self._kept is not None:
                self.prompt, self.sequences = self._kept
                self.controls = None
            case Finished() | Failed():
                for number, sequence in enumerate(event.sequences):
                    written = self.sequences[self.place(number)]
                    written.text = self._before[self.place(number)] + sequence.text
                    written.drawn, written.halved = sequence.drawn, sequence.halved
                self.controls = None
                self._used = self.settings

    def written(self, sequence: int) -> int:
        """How many tokens of a sequence came after its prompt, in one run or several."""
        if sequence >= len(self.sequences):
            return 0
        return max(len(self.sequences[sequence].ids) - self.prompt_tokens, 0)

    @property
    def goes_on(self) -> bool:
        """True where the current run goes on from a sequence."""
        return self._went_on is not None

    @property
    def used(self) -> int:
        """Positions taken by the longest sequence."""
        return max((len(written.ids) for written in self.sequences), default=0)

    def shown_places(self) -> range:
        """The sequences that the current run writes."""
        return range(len(self.sequences)) if self._went_on is None else range(self._went_on, self._went_on + 1)

    def _start(self, prompt: str | list[int], shown: str, settings: Settings, drawn: int) -> RunJob:
        self.run += 1
        self.new_tokens = 0
        self._before = [written.text for written in self.sequences]
        self.controls = Controls()
        return RunJob(self.run, prompt, shown, settings, self.controls, drawn)
