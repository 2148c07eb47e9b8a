"""What stands at the end of a record: the prompt and each sequence, token by token as far as they are known.

Runs, edits, undo and redo are followed in their order. Any line that names a `prompt` and `texts` says what stands
after it, so that steps of other kinds are followed too; what was written before is recognised by its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from engine.conversation import ANSWERS, gap
from engine.errors import SettingError
from engine.events import Changed, Finished, Token
from engine.session.format import KINDS
from engine.session.record import Line, Record, RecordedRun
from engine.settings import PARAMETERS, Settings

Kind = Literal["model", "mark", "human"]
_MOST_SEQUENCES = 64
_MOST_KNOWN = 200  # texts of earlier steps that can be recognised


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text: a token of the model's, what a person put in, or what a mark says (which is no text)."""

    kind: Kind
    text: str
    token: Token | None = None


@dataclass
class Standing:
    """The prompt, what follows it in each sequence, and the newest run that had a part in it."""

    prompt: str = ""
    sequences: list[list[Part]] = field(default_factory=list)
    run: RecordedRun | None = None
    _seed: int = 0
    _known: dict[str, list[Part]] = field(default_factory=dict, repr=False)
    _used: dict[str, Settings] = field(default_factory=dict, repr=False)
    """The settings in force when a run had come to this text."""

    @property
    def settings(self) -> Settings:
        """The settings of the newest run, its changes taken over; with several sequences the seed of the first."""
        if self.run is None:
            return Settings()
        moved = {change.name: change.new for change in self.run.changes if change.name in PARAMETERS}
        if len(self.sequences) > 1:
            moved["seed"] = self._seed
        try:
            return self.run.settings.changed(**moved)
        except ValueError:
            return self.run.settings

    def texts(self) -> list[str]:
        """Each sequence's text without the prompt."""
        return [text_of(parts) for parts in self.sequences]

    def take(self, entry: RecordedRun | Line) -> None:
        """Follow one step of the record."""
        if isinstance(entry, RecordedRun):
            if entry.prepared is not None and not entry.aside:  # else it came to nothing, or stood beside the text
                self._run(entry)
        elif entry["event"] == "edit":
            if KINDS["count"](entry.get("sequence")) and entry["sequence"] < len(self.sequences):
                self.sequences[entry["sequence"]] = _edited(self.sequences[entry["sequence"]], str(entry["text"]))
        elif KINDS["text"](entry.get("prompt")) and KINDS["texts"](entry.get("texts")):
            self.prompt = entry["prompt"]
            self.sequences = [self._known_as(text) for text in entry["texts"][:_MOST_SEQUENCES]]
        else:
            return
        for parts in self.sequences:
            self._known[text_of(parts)] = parts
            if isinstance(entry, RecordedRun) and not entry.aside:
                self._used[text_of(parts)] = _left(entry)
        while len(self._known) > _MOST_KNOWN:
            text = next(iter(self._known))
            del self._known[text]
            self._used.pop(text, None)

    def _run(self, run: RecordedRun) -> None:
        self.run = run
        written = _written(run)
        place = run.sequence
        if place is None or place >= len(self.sequences) or not run.prompt.startswith(self.prompt):
            self.prompt, self.sequences, self._seed = run.prompt, written, run.settings.seed
            return
        before = run.prompt[len(self.prompt) :]
        own = self.sequences[place]
        kept = own if text_of(own) == before else self._known.get(before) or _cut(own, before)
        moved = _moved(self._used.get(before), run.settings) if run.how in ("on", "picked") else []
        self.sequences = [*self.sequences]
        self.sequences[place] = [*kept, *moved, *(written[0] if written else [])]

    def _known_as(self, text: str) -> list[Part]:
        return self._known.get(text) or ([Part("model", text)] if text else [])


def standing(record: Record) -> Standing:
    """What stands at the end of a record."""
    found = Standing()
    for entry in record.entries:
        found.take(entry)
    return found


def text_of(parts: Iterable[Part]) -> str:
    """The text without the marks."""
    return "".join(part.text for part in parts if part.kind != "mark")


def label(change: Changed) -> str:
    """What a mark says of a setting that was changed."""
    parameter = PARAMETERS.get(change.name)
    if parameter is None:
        return change.name
    try:
        return f"{parameter.title} {parameter.format(change.old)} → {parameter.format(change.new)}"
    except (TypeError, ValueError, AttributeError, KeyError):  # a value that is none of this setting
        return parameter.title


def _moved(before: Settings | None, after: Settings) -> list[Part]:
    """Marks for the live settings that were moved between two runs."""
    pairs = before.differences(after) if before else {}
    return [
        Part("mark", label(Changed(0, name, old, new))) for name, (old, new) in pairs.items() if PARAMETERS[name].live
    ]


def _left(run: RecordedRun) -> Settings:
    """The settings in force when a run ended."""
    try:
        return run.settings.changed(**{change.name: change.new for change in run.changes if change.name in PARAMETERS})
    except SettingError:
        return run.settings


def _written(run: RecordedRun) -> list[list[Part]]:
    """What the run wrote, its marks where the changes took hold."""
    answers = [Part("mark", ANSWERS)] if run.sequence is None and gap(run.prompt, run.settings) else []
    written: list[list[Part]] = [[*answers] for _ in run.texts()[:_MOST_SEQUENCES]]
    for event, _ in run.events():
        if isinstance(event, Token) and event.sequence < len(written):
            written[event.sequence].append(Part("model", event.text, event))
        elif isinstance(event, Changed) and (event.at or run.sequence is not None):
            for parts in written:
                parts.append(Part("mark", label(event)))
    if isinstance(run.outcome, Finished):
        written = [_cut(parts, text) for parts, text in zip(written, run.texts(), strict=False)]
    return written


def _cut(parts: list[Part], text: str) -> list[Part]:
    """The beginning of these parts that this text begins with, and what it has beyond as one more."""
    kept: list[Part] = []
    for part, end in zip(parts, _ends(parts), strict=True):
        if part.kind != "mark" and text[end - len(part.text) : end] != part.text:
            break
        kept.append(part)
    rest = text[len(text_of(kept)) :]
    return [*kept, Part("model", rest)] if rest else kept


def _edited(parts: list[Part], text: str) -> list[Part]:
    """What of these parts is still there at either end of the new text, and between them what a person wrote."""
    old = text_of(parts)
    first = _shared(old, text)
    last = min(_shared(old[::-1], text[::-1]), len(old) - first, len(text) - first)
    begin: list[Part] = []
    finish: list[Part] = []
    for part, end in zip(parts, _ends(parts), strict=True):
        if end <= first:
            begin.append(part)
        elif part.kind != "mark" and end - len(part.text) >= len(old) - last:
            finish.append(part)
    inserted = text[len(text_of(begin)) : len(text) - len(text_of(finish))]
    return [*begin, *([Part("human", inserted)] if inserted else []), *finish]


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _ends(parts: list[Part]) -> list[int]:
    return list(accumulate(0 if part.kind == "mark" else len(part.text) for part in parts))
