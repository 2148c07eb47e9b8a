"""What came of running a record again: whether it is the same, and where it first is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.errors import shown
from engine.events import Failed, Finished, Sequence, Token
from engine.session.record import RecordedRun

_COMPARED = [
    *("weights", "files", "revision", "name", "family", "type", "parameters"),
    *("device", "dtype", "processor", "threads", "platform", "python"),
]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a run first is not as recorded; `index` is None where all tokens are and its end is not.

    `kind` is `token` for another token, `probability` for the same one with another log-probability, `end` where one
    of the two goes on and the other does not, or ends in another way or text.
    """

    kind: Literal["token", "probability", "end"]
    run: int
    sequence: int
    index: int | None
    recorded: Token | str
    replayed: Token | str

    def __str__(self) -> str:
        place = f"run {self.run + 1}, sequence {self.sequence + 1}"
        if self.index is not None:
            place += f", token {self.index}"
        return f"{place}: {_told(self.recorded)} in the record, {_told(self.replayed)} now"


@dataclass
class RunVerdict:
    """How one run compares: `agreeing` of the recorded tokens are the same, up to the first other one of each sequence.

    `gap` is how far the log-probabilities of those are apart at most. `error` says why it could not be run again;
    `environment` what around it is not as it was, a line each.
    """

    run: int
    tokens: int = 0
    agreeing: int = 0
    gap: float = 0.0
    difference: Difference | None = None
    error: str = ""
    reused: tuple[int, int] | None = None
    """How much of the prompt was in the cache, then and now, where these differ."""
    environment: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether all is the same, to the last bit."""
        return self.difference is None and not self.error


class Comparison:
    """Compares what a run tells with what is recorded of it, as it comes."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._recorded = run.tokens
        self._outcome = run.outcome
        self._came: dict[int, int] = dict.fromkeys(self._recorded, 0)
        self._parted: set[int] = set()
        self.verdict = RunVerdict(run.number, tokens=sum(map(len, self._recorded.values())))

    @property
    def over(self) -> bool:
        """Whether every sequence has gone its own way, so that nothing more can be compared."""
        return bool(self._parted) and self._parted >= self._recorded.keys()

    def token(self, token: Token) -> None:
        """A token that came now."""
        number, place = token.sequence, self._came.get(token.sequence, 0)
        if number in self._parted:
            return
        self._came[number] = place + 1
        recorded = self._recorded.get(number, [])
        if place >= len(recorded):
            if isinstance(self._outcome, Finished):
                self._part(Difference("end", self._run.number, number, place, "the end", token))
            return
        then = recorded[place]
        if then.id != token.id:
            self._part(Difference("token", self._run.number, number, then.index, then, token))
            return
        self.verdict.agreeing += 1
        if not _same(then.logprob, token.logprob):
            apart = abs(then.logprob - token.logprob)
            self.verdict.gap = max(self.verdict.gap, math.inf if math.isnan(apart) else apart)
            self._differs(Difference("probability", self._run.number, number, then.index, then, token))

    def end(self, event: Finished | Failed) -> None:
        """The run is over."""
        outcome = self._outcome
        if isinstance(event, Failed) and not isinstance(outcome, Failed):
            self.verdict.error = event.error
        for number, recorded in self._recorded.items():
            came = self._came[number]
            if number not in self._parted and came < len(recorded):
                self._part(Difference("end", self._run.number, number, came, recorded[came], "the end"))
        if isinstance(outcome, Finished) and isinstance(event, Finished) and self.verdict.difference is None:
            for number, (then, now) in enumerate(zip(outcome.sequences, event.sequences, strict=False)):
                if _ending(then) != _ending(now):
                    self._differs(Difference("end", self._run.number, number, None, _words(then), _words(now)))

    def _part(self, difference: Difference) -> None:
        self._parted.add(difference.sequence)
        self._differs(difference)

    def _differs(self, difference: Difference) -> None:
        # Of several sequences the earliest token counts; another token says more than another probability.
        if self.verdict.difference is None:
            self.verdict.difference = difference


def environment(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two machines and models, a line each; what one of them does not say is not compared."""
    pairs = [(name, then.get(name), now.get(name)) for name in _COMPARED]
    versions = then.get("versions"), now.get("versions")
    if isinstance(versions[0], Mapping) and isinstance(versions[1], Mapping):
        pairs += [(name, versions[0].get(name), versions[1][name]) for name in versions[1]]
    if pairs[0][1] and pairs[0][1] == pairs[0][2]:
        pairs = [pair for pair in pairs if pair[0] != "name"]  # the same weights by another name
    differing = [pair for pair in pairs if None not in pair[1:] and pair[1] != pair[2]]
    told = [f"{name}: {_short(old)} then, {_short(new)} now" for name, old, new in differing]
    return [*told, *_adapters(then.get("adapters"), now.get("adapters"))]


def _adapters(then: Any, now: Any) -> list[str]:
    """What differs between adapters of one name."""
    known = {one["name"]: one for one in now if isinstance(one, Mapping)} if isinstance(now, list) else {}
    found = []
    for old in then if isinstance(then, list) else ():
        new = known.get(str(old.get("name")), {}) if isinstance(old, Mapping) else {}
        pairs = [(part, old[part], new[part]) for part in ("weights", "config") if part in old and part in new]
        found += [
            f"the {part} of adapter {_short(old['name'])}: {_short(was)} then, {_short(is_now)} now"
            for part, was, is_now in pairs
            if was != is_now
        ]
    return list(dict.fromkeys(found))


def _short(value: Any) -> str:
    return shown(value if isinstance(value, str) else str(value)[:200])


def _told(token: Token | str) -> str:
    if isinstance(token, str):
        return token
    return (
        f"{shown(repr(token.text))} (id {token.id}, probability {math.exp(min(token.logprob, 0)):.6g}, "
        f"log-probability {token.logprob!r})"
    )


def _ending(sequence: Sequence) -> tuple[str, str, float | None]:
    return sequence.text, sequence.finish_reason, sequence.score


def _words(sequence: Sequence) -> str:
    score = "" if sequence.score is None else f", score {sequence.score!r}"
    return f"the end {sequence.finish_reason} after {shown(repr(sequence.text[-20:]))}{score}"


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
