"""What a run tells: frozen dataclasses, in the order in which they come.

    Prepared, (Noted ...), Prefilled, then Token, Tensors, Beams, Changed, Adapted, Forgot, Noted and Paused as they
    happen, then Stopped where that was asked for, then Finished or Failed.

Nothing here knows of torch, of a terminal or of a thread; a test can put the events in a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from engine.weighing import Weighing

Level = Literal["info", "warning", "error"]
FinishReason = Literal["length", "eos", "stop", "time", "cancelled"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A prompt, and the text that follows it already where a run goes on from that and its ids are not known."""

    prompt: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader should know. `code` is stable and meant for programs, `text` for people."""

    level: Level
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load has come: `done` of `total`, in bytes for what is fetched, else in no particular unit.

    `total` is 0 where it is not known.
    """

    stage: str
    done: int = 0
    total: int = 0
    unit: Literal["", "bytes"] = ""


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a prompt that the first new tokens say again.

    `text` is what they have to say, `cuts` are the places in its bytes where it was cut into tokens before, `surplus`
    counts the characters that they say of the prompt, a space before the text among them: these are not told again.
    """

    text: str
    cuts: tuple[int, ...]
    surplus: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """The prompt as the model gets it: `text` with what the family put before it, `ids` after tokenisation.

    `tail` is what the ids lack of the text, where token healing took tokens back.
    """

    text: str
    ids: tuple[int, ...]
    notes: tuple[Note, ...] = ()
    tail: Tail | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """A note that came up after the preparation."""

    note: Note


@dataclass(frozen=True, slots=True)
class CacheShape:
    """The KV cache: layers x (rows, heads, tokens, width), twice (keys and values), and its bytes."""

    layers: int
    rows: int
    heads: int
    tokens: int
    width: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The prompt has gone through the model: `tokens` long, of which `reused` were in the cache already."""

    tokens: int
    reused: int
    seconds: float
    cache: CacheShape | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have come: log-probabilities (natural) after and before the sampler's stages."""

    id: int
    text: str
    logprob: float
    raw_logprob: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """A token in the model's own distribution, before any stage of the sampler: its natural log-probability, its rank
    from 1, and the entropy of the step in bits (Shannon 1948).
    """

    logprob: float
    rank: int
    entropy: float


@dataclass(frozen=True, slots=True)
class Token:
    """One new token of one sequence.

    `index` counts the new tokens of the run from 0. `text` is what this token adds to the sequence's text: it may be
    empty where a character is still incomplete. `logprob` is natural and of the distribution the token was drawn from;
    where a person `picked` the token, of the model's own. `numbers` are told while the run is measured.
    """

    sequence: int
    index: int
    id: int
    text: str
    logprob: float
    alternatives: tuple[Alternative, ...] = ()
    special: bool = False
    picked: bool = False
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """All that was weighed for a sequence's token `index`, which somebody asked for: each stage, as it was used."""

    sequence: int
    index: int
    weighing: Weighing


@dataclass(frozen=True, slots=True)
class Beam:
    """A beam beyond what all have in common: its ids and text from there on, and its score so far.

    The score is the sum of the processed log-probabilities over the number of new tokens to the power of the length
    penalty; `reason` is set where the beam has finished.
    """

    ids: tuple[int, ...]
    text: str
    score: float
    group: int = 0
    reason: FinishReason | None = None


@dataclass(frozen=True, slots=True)
class Beams:
    """How the beams stand after the new token `index`, each list with the best first.

    `settled` counts the new tokens that all have in common: they were told as tokens, and will not be taken back.
    `fallen` are the beams of the step before that none goes on from, beyond what all had in common then.
    """

    index: int
    settled: int
    running: tuple[Beam, ...]
    finished: tuple[Beam, ...]
    fallen: tuple[Beam, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that contrastive search weighed: its probability, and how much it resembles what is there (a cosine)."""

    id: int
    text: str
    confidence: float
    penalty: float


@dataclass(frozen=True, slots=True)
class Compared:
    """What contrastive search weighed for the new token `index`, likeliest first, and which of them it chose."""

    index: int
    chosen: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Contrasted:
    """The early layer, of those in `layers`, that DoLa set against the last one for a sequence's token `index`."""

    index: int
    sequence: int
    layer: int
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """What assisted decoding drafted from the new token `index` on, and how many of it came: the first `accepted`.

    `source` says what drafted, in words. The share of drafted tokens that came so far is a sum over these events.
    """

    index: int
    ids: tuple[int, ...]
    texts: tuple[str, ...]
    accepted: int
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Tensors:
    """What a step came from, where a program asked for it (`output_scores` and its like); torch's tensors.

    `scores` and `logits` (rows, vocabulary) are those that the new token `index` was chosen by: after all processors,
    and as the model gave them. `attentions` and `hidden_states` are those of the pass that gave them, a tensor for each
    layer: (rows, heads, n, seen) and (rows, n, width), where n is the prompt's length at first and 1 later. Row i
    belongs to the sequence `sequences[i]`; the rows of beams, which are no sequences yet, have none.
    """

    index: int
    sequences: tuple[int, ...]
    scores: Any = None
    logits: Any = None
    attentions: tuple[Any, ...] | None = None
    hidden_states: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A setting took a new value; the new token with index `at` is the first to obey it."""

    at: int
    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Adapted:
    """From the new token `at` on the model wears other adapters than before.

    Of each its `name` and `source`, and the sums of its files, as a model's identity has them.
    """

    at: int
    adapters: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Forgot:
    """From the new token `at` on, `tokens` tokens of a sequence, prompt included, are out of the model's sight.

    In characters: it sees those from `until` on, counted from the beginning of the run's new text (below 0: so many
    from the prompt's end), and the first `head` of the prompt, the control code say, which stay in its sight.
    """

    sequence: int
    at: int
    tokens: int
    until: int
    head: int = 0


@dataclass(frozen=True, slots=True)
class Paused:
    """The run waits before the new token `at`. It is told again each time the run is asked on while it is paused."""

    at: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run ends because that was asked for: the new token `at` did not come."""

    at: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A finished sequence. `text` is the continuation alone, cut at the stop text where that came.

    `drawn` is how many draws of its random stream lie behind it: where a run that goes on from it begins. `halved` says
    that the last character of the text stands for one that is not whole, which a run that goes on completes.
    """

    token_ids: tuple[int, ...]
    text: str
    logprobs: tuple[float, ...]
    finish_reason: FinishReason
    score: float | None = None
    drawn: int = 0
    halved: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds spent in the model and sampler; waiting in a pause and in the reader of the events does not count."""

    prefill_s: float
    decode_s: float
    tokens: int

    @property
    def tokens_per_s(self) -> float:
        """New tokens a second of decoding, all sequences together; 0 where nothing was decoded."""
        return self.tokens / self.decode_s if self.decode_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a run that ended as it should."""

    sequences: tuple[Sequence, ...]
    timing: Timing


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a run that could not go on: why, in one line, and the sequences as far as they came."""

    error: str
    sequences: tuple[Sequence, ...] = ()


Event = (
    Prepared
    | Noted
    | Prefilled
    | Token
    | Looked
    | Tensors
    | Beams
    | Compared
    | Contrasted
    | Drafted
    | Changed
    | Adapted
    | Forgot
    | Paused
    | Stopped
    | Finished
    | Failed
)
