"""What is known of the tokens of a session in the model's own distribution, and what is not yet. No widgets here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import EngineError, one_line
from engine.events import Numbers
from engine.settings import Settings
from tui.steps import Origin, Step

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

MEASURED_UNDER = (
    "adapters",
    "guidance_scale",
    "negative_prompt",
    "negative_prompt_ids",
    "overflow",
    "context_window",
    "xlm_language",
    "chat",
    "system_prompt",
)
"""The settings that the model's own distribution depends on."""


class Name(NamedTuple):
    """Which token is meant, in whatever text it stands: the run that it came from, and which of its tokens it is."""

    origin: Origin
    number: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Tokens to be measured in one pass: `written[first:]`, new ids after a `prompt`; `names` are those of `written`.

    `settings` are those of its first token.
    """

    prompt: tuple[int, ...]
    written: tuple[int, ...]
    names: tuple[Name, ...]
    settings: Settings
    first: int = 0

    @property
    def count(self) -> int:
        """How many tokens are still to be measured."""
        return len(self.written) - self.first

    def after(self, count: int) -> Passage:
        """What is left of it when so many more are done."""
        return replace(self, first=self.first + count)


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of a passage's tokens from its first on, or why there are none; `last` where no more are to come."""

    passage: Passage
    numbers: Sequence[Numbers]
    last: bool = False
    error: str = ""


class Measuring:
    """What is still to be measured. One thread wants, and the other does it when it finds the time."""

    def __init__(self) -> None:
        self._passages: deque[Passage] = deque()

    def want(self, passages: Sequence[Passage]) -> None:
        """These, in the place of any others."""
        self._passages = deque(passages)

    @property
    def unfinished(self) -> bool:
        """Whether there is something left to be done."""
        return bool(self._passages)

    def tell(self, model: LoadedModel, wanted: Callable[[], bool]) -> Iterator[Measured]:
        """Measures part by part until all is done, or the thread is `wanted` elsewhere; what is left stays."""
        while (passages := self._passages) and not wanted():
            for told in _parts(model, passages[0]):
                left = told.passage.after(len(told.numbers) or told.passage.count)
                passages.popleft()
                if left.count:
                    passages.appendleft(left)
                if passages is not self._passages:  # others have been asked for
                    break
                yield replace(told, last=not passages)
                if wanted():  # what looks elsewhere would be in its way: it begins again where it was
                    break


def _parts(model: LoadedModel, passage: Passage) -> Iterator[Measured]:
    from engine.measuring import measure

    try:
        for numbers in measure(model, passage.prompt, passage.written, passage.settings, passage.first):
            yield Measured(passage, numbers)
            passage = passage.after(len(numbers))
    except (EngineError, RuntimeError) as error:
        yield Measured(passage, (), error=one_line(error))


class Measures:
    """The numbers of tokens: told with them, or measured afterwards."""

    def __init__(self) -> None:
        self._known: dict[Name, Numbers | None] = {}

    def of(self, step: Step) -> Numbers | None:
        """A token's own numbers; None where they are not known."""
        return step.token.numbers or self._known.get(name_of(step))

    def lacks(self, step: Step) -> bool:
        """Whether a token's numbers are not known and may be had."""
        return step.token.numbers is None and name_of(step) not in self._known

    def take(self, passage: Passage, numbers: Sequence[Numbers]) -> None:
        """What was measured of a passage, from its first token on."""
        self._known.update(zip(passage.names[passage.first :], numbers, strict=False))

    def give_up(self, passage: Passage) -> None:
        """They cannot be had."""
        for name in passage.names[passage.first :]:
            self._known.setdefault(name, None)

    def lacking(self, steps: Sequence[Step]) -> list[Passage]:
        """What there is to be measured of a text; runs that follow on one another are seen in one pass."""
        unknown = {name_of(step) for step in steps if self.lacks(step)}
        passages: list[Passage] = []
        for run in _runs(steps) if unknown else ():
            joined = _joined(passages[-1], run) if passages else None
            passages[-1:] = [joined] if joined else [*passages[-1:], run]
        return [passage for passage in (_trimmed(passage, unknown) for passage in passages) if passage.count]


def name_of(step: Step) -> Name:
    """The name of a step's token."""
    return Name(step.origin, step.token.index)


def _runs(steps: Sequence[Step]) -> Iterator[Passage]:
    """The tokens of each run in a text, cut where what the model sees was changed on the way."""
    before: list[Step] = []
    for (origin, _), group in groupby(steps, key=lambda step: (step.origin, _sight(step.settings))):
        if before and before[0].origin is not origin:
            before = []
        first = len(before)
        before += group
        written = tuple(step.token.id for step in before)
        yield Passage(origin.ids, written, tuple(map(name_of, before)), before[first].settings, first)


def _joined(one: Passage, other: Passage) -> Passage | None:
    """Two passages as one, where the second goes on from the first and is seen as it is."""
    same = _sight(one.settings) == _sight(other.settings) and one.settings.guidance_scale == 1
    if not same or other.first or one.prompt + one.written != other.prompt:
        return None
    return replace(one, written=one.written + other.written, names=one.names + other.names)


def _trimmed(passage: Passage, unknown: Container[Name]) -> Passage:
    """From the first token that is not known to the last."""
    places = [place for place in range(passage.first, len(passage.names)) if passage.names[place] in unknown]
    end, first = (places[-1] + 1, places[0]) if places else (passage.first, passage.first)
    return replace(passage, written=passage.written[:end], names=passage.names[:end], first=first)


def _sight(settings: Settings) -> tuple[object, ...]:
    return tuple(getattr(settings, name) for name in MEASURED_UNDER)
