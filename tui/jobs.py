"""What the worker is asked to do, and what it answers: plain data between two threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.controls import Controls
from engine.events import Begun, CacheShape, Event, Prepared, Progress
from engine.session.transcript import Transcript
from engine.settings import Settings
from tui.asking import Asked, Asking, AskJob
from tui.comparing import Compared, CompareJob
from tui.measures import Measured
from tui.token_reader import TokenReader
from tui.verifying import Verified, Verifying, VerifyJob

if TYPE_CHECKING:
    from engine.families.causal_lm import Choices
    from engine.inspection import Effect
    from engine.weighing import Weighing


@dataclass(frozen=True, slots=True)
class LoadJob:
    """Load a model in the place of the one that is there. `called_off` ends it at its next report.

    `adapters` are those that it is wanted with, as the setting names them.
    """

    name: str | None
    family: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    adapters: str = ""
    called_off: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)

    @property
    def shown_name(self) -> str:
        """What it is called in a sentence."""
        return self.name or "the embedded model"


@dataclass(frozen=True, slots=True)
class RunJob:
    """Generate. `prompt` is text, or where a run goes on ids, or text anew; `shown_prompt` is its text for the record.

    `drawn` and `sequence` are for a run that goes on: how far its random stream has come, and from which sequence.
    `how` is for the record: `new`, `on` from where a sequence stopped, `anew`, the last run again, or `picked`, on with
    a token that a person picked after so many (`at`) of the sequence's own; `compare` is for one beside the text.
    """

    number: int
    prompt: str | Sequence[int] | Begun
    shown_prompt: str
    settings: Settings
    controls: Controls = field(default_factory=Controls)
    drawn: int = 0
    sequence: int | None = None
    how: Literal["new", "on", "anew", "picked", "compare"] = "new"
    at: int | None = None


@dataclass(frozen=True, slots=True)
class RecordJob:
    """Write a line to the transcript, after whatever was asked for before."""

    event: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordTo:
    """Record in another transcript from here on; the old one gets its end.

    What the model has computed is let go of, so that the new one's first run can be played again from it alone.
    """

    transcript: Transcript


@dataclass(frozen=True, slots=True)
class EffectJob:
    """Look what a setting does to the token after a prompt, where nothing else is to be done."""

    prompt: str | Sequence[int] | Begun
    settings: Settings
    name: str


@dataclass(frozen=True, slots=True)
class LookJob:
    """Look into a step: after the new ids `written` of a run that began from `prompt`, under the settings of the step.

    `number` is the asker's, for the answer; the rest is what `engine.looking.look` takes.
    """

    number: int
    prompt: str | Sequence[int] | Prepared | Begun
    written: Sequence[int]
    settings: Settings
    chosen: int | None = None
    form_at: int = 0


@dataclass(frozen=True, slots=True)
class MeasureJob:
    """Measure what is left of the passages that were asked for last."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the screen says of a loaded model, and a way to count a text's tokens from any thread."""

    name: str
    family: str
    parameters: int
    device: str
    dtype: str
    positions: int | None
    weight_bytes: int
    count_tokens: Callable[[str, Settings], int]
    identity: Mapping[str, Any]
    """What a transcript says of it."""
    choices: Choices | None = None
    reader: TokenReader | None = None
    vocabulary_size: int = 0
    job: LoadJob | None = None
    """What loads it again."""


@dataclass(frozen=True, slots=True)
class EffectSeen:
    """The answer to an `EffectJob`."""

    effect: Effect


@dataclass(frozen=True, slots=True)
class LookSeen:
    """The answer to a `LookJob`: what was weighed, or why that cannot be told."""

    number: int
    weighing: Weighing | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A model that was not loaded: `error` says why in one line, unless a person called it off.

    `stays` tells that the model before it is still there.
    """

    job: LoadJob
    error: str
    called_off: bool = False
    stays: bool = False


@dataclass(frozen=True, slots=True)
class RunEvent:
    """An event of the run with this number."""

    run: int
    event: Event


@dataclass(frozen=True, slots=True)
class Stats:
    """Read-outs of a run: seconds to its first token, new tokens a second, bytes in use, the KV cache."""

    run: int
    first_token_s: float | None
    tokens_per_s: float
    memory_bytes: int
    cache: CacheShape | None


@dataclass(frozen=True, slots=True)
class RecordTrouble:
    """The transcript cannot be written, and is kept in memory; without an error, it is written again."""

    error: str


Job = VerifyJob | LoadJob | RunJob | RecordJob | RecordTo | EffectJob | LookJob | AskJob | MeasureJob | CompareJob
Told = RunEvent | Stats | EffectSeen | LookSeen | Asked | Asking | Compared | Measured | Verifying | Verified
Output = Progress | ModelFacts | LoadFailed | RecordTrouble | Told
