"""What is written, as it stands at one moment: unchangeable, so that any moment can be had again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from engine import events
from engine.settings import Settings
from tui.pieces import Kind, Piece, beginning, merged, text_of
from tui.sight import NOTHING, Hidden
from tui.steps import Origin, Step, Stepping, ids_before

Ending = events.FinishReason | Literal["failed", "edited", "rewound", ""]
ENDINGS: Mapping[Ending, str] = {
    "": "",
    "length": "length reached",
    "eos": "the model ended the text",
    "stop": "stop text",
    "time": "time is up",
    "cancelled": "stopped",
    "failed": "failed",
    "edited": "edited",
    "rewound": "rewound",
}


@dataclass(frozen=True, slots=True)
class Written:
    """One sequence: what follows the prompt, and what a run needs to go on from there.

    `ids` are all its tokens, the prompt's among them, as the model has seen them. They are empty where the text is no
    longer theirs (it was edited, or cut at a stop text): a run then reads it as text. `drawn` is how far its random
    stream has come, `tokens` how many of its tokens the model wrote. `halved` says that the last character stands for
    one that is not whole.
    """

    seed: int
    pieces: tuple[Piece, ...] = ()
    ids: tuple[int, ...] = ()
    drawn: int = 0
    tokens: int = 0
    halved: bool = False
    ending: Ending = field(default="", compare=False)
    hidden: Hidden = field(default=NOTHING, compare=False)
    """What of it was out of the model's sight at the end."""
    score: float | None = field(default=None, compare=False)
    """How the beam search rated it, where it is one's and as that left it."""
    steps: tuple[Step, ...] = field(default=(), compare=False, repr=False)
    """Its tokens one by one, as far as the text is still theirs."""

    @property
    def text(self) -> str:
        """The text that follows the prompt."""
        return text_of(self.pieces)

    @property
    def by_hand(self) -> bool:
        """Whether some of it was written by a person."""
        return any(piece.kind == "human" for piece in self.pieces)

    @property
    def at_end(self) -> bool:
        """Whether its last run ended by itself."""
        return self.ending in ("length", "eos", "stop", "time")

    def before(self, number: int) -> Written:
        """The text as it was before one of its steps: its ids, and its random stream where it stood then."""
        step = self.steps[number]
        return replace(
            self,
            seed=step.origin.seed,
            pieces=tuple(beginning(self.pieces, step.start)),
            ids=ids_before(self.steps, number),
            drawn=step.drawn,
            tokens=max(0, self.tokens - (len(self.steps) - number)),
            halved=False,
            ending="rewound",
            hidden=NOTHING,
            score=None,
            steps=self.steps[:number],
        )

    def to_read(self, prompt: str) -> list[int] | events.Begun:
        """What the model reads to go on from it: its ids, or the text after this prompt anew where it has none."""
        return list(self.ids) or events.Begun(prompt, self.text)

    def to_go_on(self, seed: int, drawn: int, labels: list[str]) -> Written:
        """The same as a run's beginning: without the sign for half a character, with marks of what changed since."""
        pieces = tuple(beginning(self.pieces, len(self.text) - 1)) if self.halved else self.pieces
        marks = (Piece("mark", label) for label in labels)
        return replace(self, seed=seed, drawn=drawn, pieces=(*pieces, *marks), halved=False, ending="", score=None)


@dataclass(frozen=True, slots=True)
class Start:
    """How a run began, so that it can be done anew: from `writing`, in one sequence of it or as a new text."""

    writing: Writing
    sequence: int | None
    seed: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Writing:
    """All that is written: the prompt of its run, and the sequences. Two are equal where nothing written differs."""

    prompt: str = ""
    sequences: tuple[Written, ...] = ()
    used: Settings | None = field(default=None, compare=False)
    """The settings that were in force when the last run ended, with the seed that it began with."""
    start: Start | None = field(default=None, compare=False, repr=False)
    """How the last run began."""

    def with_sequence(self, number: int, written: Written) -> Writing:
        """The same with another sequence in the place of one."""
        return replace(self, sequences=(*self.sequences[:number], written, *self.sequences[number + 1 :]))

    def before_step(self, sequence: int, number: int) -> Writing:
        """The same as it stood before a step of one sequence; writing anew begins there."""
        step, written = self.sequences[sequence].steps[number], self.sequences[sequence].before(number)
        there = replace(self, used=step.settings, start=None).with_sequence(sequence, written)
        return replace(there, start=Start(there, sequence, written.seed, written.drawn))

    def taking(self, other: Writing, sequence: int) -> Writing:
        """The same with one sequence as it stands in another writing; all of that where it is of another kind.

        Writing anew then begins where it would have begun there, unless that was in a sequence that is not taken.
        """
        alone = len(self.sequences) == 1 or len(self.sequences) != len(other.sequences)
        if alone or self.prompt != other.prompt:
            return other
        start = other.start
        if start is not None and start.sequence == sequence:
            begun = self.with_sequence(sequence, start.writing.sequences[sequence])
            start = replace(start, writing=replace(begun, start=None))
        elif start is not None and start.sequence is not None:
            start = None
        return replace(self.with_sequence(sequence, other.sequences[sequence]), used=other.used, start=start)

    def pieces(self, number: int) -> list[Piece]:
        """A sequence from its first character on, the prompt's."""
        return [Piece("prompt", self.prompt), *self.sequences[number].pieces]


@dataclass
class Growing:
    """What a run under way adds to a sequence."""

    ids: list[int]
    stepping: Stepping
    pieces: list[Piece] = field(default_factory=list)
    tokens: int = 0
    hidden: Hidden = NOTHING

    @classmethod
    def beginning(cls, ready: events.Prepared, written: Written, settings: Settings, drawn: int) -> Growing:
        """At a run's start: from this prompt and this text."""
        origin = Origin(ready, written.seed, drawn)
        return cls(list(ready.ids), Stepping(origin, settings, len(written.text)))

    def take(self, token: events.Token) -> Kind:
        """A token at the end; what kind of text it is."""
        self.ids.append(token.id)
        self.tokens += 1
        self.stepping.add(token)
        return "human" if token.picked else "special" if token.special else "model"

    def add(self, kind: Kind, text: str) -> None:
        """Text or a mark at the end."""
        self.pieces.append(Piece(kind, text))

    def ended(self, before: Written, ending: Ending, end: events.Sequence | None) -> Written:
        """The sequence when the run has ended; `end` is what the run says of it, and has the last word."""
        drawn = before.drawn + self.tokens
        pieces, ids, halved, steps = self.pieces, self.ids, False, self.stepping.steps
        if end is not None:
            drawn, halved = end.drawn, end.halved
            told = text_of(pieces)
            steps = [step for step in steps if step.start < len(before.text) + len(end.text) or not step.token.text]
            if len(end.text) < len(told):  # cut at a stop text, and the model is not to see what was cut off
                pieces, ids = list(beginning(pieces, len(end.text))), []
            # Half a character where a run was stopped is in the text, but was no token's yet.
            pieces = [*pieces, Piece("model", end.text[len(told) :])]
        return replace(
            before,
            pieces=tuple(merged([*before.pieces, *pieces])),
            ids=tuple(ids),
            drawn=drawn,
            tokens=before.tokens + self.tokens,
            halved=halved,
            ending=ending,
            hidden=self.hidden,
            score=end.score if end is not None else None,
            steps=(*before.steps, *steps),
        )
