"""What is compared, side by side: a session of one sequence for each, and where they part. No widgets here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from engine import comparison
from engine.comparison import Parting, Variant
from engine.events import Event, Failed, Finished, Note, Noted, Prepared
from engine.events import Sequence as Ended
from engine.settings import PARAMETERS, Settings
from tui.jobs import RunJob
from tui.pieces import Piece
from tui.running import Addition
from tui.session import Session
from tui.writing import ENDINGS, Writing


@dataclass
class Side:
    """One of them: its variant, its session and run, and, as soon as that is known, where it parts from the first."""

    variant: Variant
    session: Session
    job: RunJob
    text: str = ""
    """What follows the prompt, as far as it has come."""
    parts: int | None = None
    """How many characters of that are the first one's too."""
    parting: Parting | None = None
    end: Ended | None = None
    error: str = ""
    notes: list[Note] = field(default_factory=list)
    left_out: bool = False
    """Whether all was ended before it began."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to come."""
        return self.end is not None or bool(self.error) or self.left_out


class Comparison:
    """The same prompt under several variants. The first that comes to an end is what the others are set against."""

    def __init__(self, variants: Sequence[Variant], prompt: str) -> None:
        self.prompt = prompt
        self.sides: list[Side] = []
        for variant in variants:
            session = Session(variant.settings)
            job = session.begin(prompt)
            self.sides.append(
                Side(variant, session, RunJob(0, prompt, prompt, job.settings, job.controls, how="compare"))
            )
        self.first: int | None = None

    def hear(self, place: int, event: Event) -> tuple[list[Addition], set[int]]:
        """Take over what a run tells: what comes at the end of its text, and which are to be shown anew."""
        side = self.sides[place]
        match event:
            case Prepared(_, _, notes):
                side.notes += notes
            case Noted(note):
                side.notes.append(note)
        added = [(place, text, kind) for _, text, kind in side.session.hear(event)]
        match event:
            case Prepared():
                return [], {place}
            case Finished():
                side.end = event.sequences[0]
            case Failed(error):
                side.error = error
        if side.done:
            return [], {place} | self._end(place)
        return self._mark(place, added)

    def _mark(self, place: int, added: list[Addition]) -> tuple[list[Addition], set[int]]:
        """Where the text leaves the first one's, put a mark before."""
        side = self.sides[place]
        found: list[Addition] = []
        others: set[int] = set()
        for item in added:
            _, text, kind = item
            before = len(side.text)
            if kind != "mark":
                side.text += text
                if self.first is not None and side.parts is None and not self._is_same(before, text):
                    side.parts, others = before, {self.first}
                    found.append((place, self._label(place), "mark"))
            found.append(item)
        return found, others

    def _is_same(self, start: int, text: str) -> bool:
        return self.first is None or self.sides[self.first].text.startswith(text, start)

    def _end(self, place: int) -> set[int]:
        side = self.sides[place]
        side.text = side.session.sequences[0].text if side.session.sequences else ""
        if side.error:
            return set()
        if self.first is None:
            self.first = place
        first = self.sides[self.first]
        if place != self.first and first.end is not None and side.end is not None:
            same = side.variant.model == first.variant.model
            side.parting = comparison.parting(first.end, side.end, same_model=same)
            starts = [step.start for step in side.session.steps(0)]
            side.parts = _before(starts, side.parting.characters) if side.parting else None
        return {self.first}

    def pieces(self, place: int) -> list[Piece]:
        """All of one, with the mark where it parts."""
        side = self.sides[place]
        pieces = side.session.pieces(0) if side.session.sequences else []
        at, label = side.parts, self._label(place)
        if place == self.first:
            at = min((other.parts for other in self.sides if other.parts is not None), default=None)
        return pieces if at is None else list(_marked(pieces, len(self.prompt) + at, label))

    def _label(self, place: int) -> str:
        if place != self.first:
            return f"parts from {(self.first or 0) + 1}"
        where = min((side.parts for side in self.sides if side.parts is not None), default=None)
        numbers = [str(number) for number, side in enumerate(self.sides, 1) if side.parts == where]
        return f"{', '.join(numbers)} part{'s' if len(numbers) == 1 else ''}"

    def over(self) -> None:
        """Nothing more comes."""
        for side in self.sides:
            side.left_out = not side.done

    @property
    def running(self) -> int | None:
        """The one that is being written, or is to be next; None where all is over."""
        return next((place for place, side in enumerate(self.sides) if not side.done), None)

    def taken(self, place: int) -> Writing | None:
        """One as a text to go on from; None where nothing has come of it. Another model's tokens are only text here."""
        side = self.sides[place]
        writing = side.session.writing
        if side.end is None or not writing.sequences:
            return None
        if side.variant.model is None:
            return writing
        return writing.with_sequence(0, replace(writing.sequences[0], ids=(), steps=()))

    def captions(self) -> list[str]:
        """What of the settings differs among them, each one's own; nothing where their names say it."""
        settings = [side.variant.settings for side in self.sides]
        names = [name for name in PARAMETERS if len({_told(name, each) for each in settings}) > 1]
        told = [
            " · ".join(f"{PARAMETERS[n].title} {PARAMETERS[n].format(getattr(s, n))}" for n in names) for s in settings
        ]
        return ["" if line == side.variant.name else line for line, side in zip(told, self.sides, strict=True)]

    def state(self, place: int) -> tuple[str, ...]:
        """How far one has come, in words, what matters most first."""
        side = self.sides[place]
        if side.error:
            return (f"failed: {side.error}",)
        if side.left_out:
            return ("left out",)
        if side.end is None:
            return () if side.session.sequences else ("waits",)
        ending = ENDINGS[side.end.finish_reason]
        if place == self.first:
            return (ending,)
        if side.parting is None:
            return (f"the same as {(self.first or 0) + 1}", ending)
        tokens = side.parting.tokens
        after = f"{side.parting.characters} characters" if tokens is None else f"{tokens} tokens"
        return (f"parts after {after}", ending)


def _before(starts: Sequence[int], character: int) -> int:
    """Where the token begins in which this character is; a character that no token wrote stands for itself."""
    return max((start for start in starts if start <= character), default=character)


def _told(name: str, settings: Settings) -> str:
    return f"{PARAMETERS[name].title} {PARAMETERS[name].format(getattr(settings, name))}"


def _marked(pieces: Iterable[Piece], at: int, label: str) -> Iterable[Piece]:
    """The pieces with a mark before the character `at`, or at the end."""
    for kind, text in pieces:
        if kind != "mark" and 0 <= at < len(text):
            yield from (Piece(kind, text[:at]), Piece("mark", label), Piece(kind, text[at:]))
            at = -1
        else:
            yield Piece(kind, text)
            at -= len(text) if kind != "mark" and at >= 0 else 0
    if at == 0:
        yield Piece("mark", label)
