"""How likely a model finds a text: each token's numbers, given all before it, and what they come to together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from engine.chat import made
from engine.detokenizer import detokenizer
from engine.errors import EngineError, PromptError
from engine.events import Begun, Note
from engine.generation import check_text
from engine.models.loaded import LoadedModel
from engine.runner.sliding import SlidingRunner
from engine.settings import Settings
from engine.window import Window

Report = Callable[[int, int], object]

_BIT = math.log(2)
_LARGEST = 1024  # two to this is no float any more
_MOST_MARKS = 4


@dataclass(frozen=True, slots=True)
class Score:
    """One token as the model saw it coming: natural log-probability, rank from 1, entropy of the step in bits."""

    logprob: float
    rank: int
    entropy: float

    @property
    def surprisal(self) -> float:
        """In bits (Shannon 1948)."""
        return -self.logprob / _BIT


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token of a text; `start` is where its text begins in that of all tokens, `score` None where it has none."""

    id: int
    text: str
    start: int
    special: bool
    score: Score | None


@dataclass(frozen=True, slots=True)
class TextScore:
    """A text's tokens with their scores. The sums are over the tokens that have one."""

    tokens: tuple[ScoredToken, ...]
    notes: tuple[Note, ...] = ()

    @property
    def scores(self) -> tuple[Score, ...]:
        """Of the tokens that have one."""
        return tuple(token.score for token in self.tokens if token.score)

    @property
    def bits(self) -> float:
        """All surprisals together."""
        return sum(score.surprisal for score in self.scores)

    @property
    def perplexity(self) -> float | None:
        """Per token (Jelinek et al. 1977): two to the mean surprisal; None where no token has a score."""
        if not self.scores:
            return None
        mean = self.bits / len(self.scores)
        return 2**mean if mean < _LARGEST else math.inf

    @property
    def bits_per_character(self) -> float | None:
        """The surprisals over the characters of the tokens that they are of; None where those have none."""
        characters = sum(len(token.text) for token in self.tokens if token.score)
        return self.bits / characters if characters else None

    def surprising(self, top: int) -> list[int]:
        """The places of the `top` most surprising tokens, the most surprising first."""
        places = [(-token.score.surprisal, at) for at, token in enumerate(self.tokens) if token.score]
        return [at for _, at in sorted(places)[:top]]


def score_text(model: LoadedModel, text: str, settings: Settings, progress: Report | None = None) -> TextScore:
    """The tokens of a text with their scores; a `prefix` of the settings stands before it and has none.

    In a chat it is the assistant's last turn that is scored, given all before it. The first token is scored after the
    token that begins a text, or ends one, where the model has such. `progress` gets how many tokens of how many are
    done; what it raises ends the scoring. Raises `PromptError`.
    """
    check_text(text)
    model.family.check(model, settings)
    ids, given = (_of_chat if settings.chat else _of_text)(model, text, settings)
    notes = list(model.family.set_up(model, settings))
    scores: list[Score] = []
    for part in scoring(model, ids, max(1, given), settings.adapters):
        scores += part
        if progress:
            progress(len(scores), len(ids) - max(1, given))
    if not given:
        told = "The first token has no score: this model has no token that stands before a text."
        notes.append(Note("info", "first-unscored", told))
    window = scoring_window(model, ids)
    if window is not None:
        notes.append(_slid(window))
    own = ids[given:]
    return TextScore(_placed(model, ids[:given], own, [*[None] * (len(own) - len(scores)), *scores]), tuple(notes))


def _of_text(model: LoadedModel, text: str, settings: Settings) -> tuple[list[int], int]:
    """All ids that the model sees, and how many of them stand before the text."""
    plain = _encoded(model, settings.prefix + text)
    if not plain:
        raise PromptError("there is no text to score: type something")
    before = _before(model, settings.prefix + text, plain)
    return before + plain, len(before) + _shared(_encoded(model, settings.prefix), plain)


def _of_chat(model: LoadedModel, text: str, settings: Settings) -> tuple[list[int], int]:
    """The same for a conversation, of which the assistant's last turn is the text."""
    chat = made(model.tokenizer, Begun(text), settings)
    if not chat.own.strip():
        raise PromptError("in a chat the assistant's last turn is scored: type it under a line assistant: of its own")
    ids, end = _encoded(model, chat.text), chat.own if chat.text.endswith(chat.own) else chat.own.rstrip()
    return ids, _shared(_encoded(model, chat.text.removesuffix(end)), ids)


def _encoded(model: LoadedModel, text: str) -> list[int]:
    return list(model.tokenizer.encode(text, add_special_tokens=False)) if text else []


def _before(model: LoadedModel, text: str, plain: list[int]) -> list[int]:
    """What stands before a text: the marks that its family puts there, else the token that begins or ends one."""
    whole = model.family.encode(model, text)
    marks = next((at for at in range(1, _MOST_MARKS) if whole[at : at + len(plain)] == plain), 0)
    start = [model.model.generation_config.bos_token_id, model.tokenizer.bos_token_id, *model.eos_token_ids]
    return whole[:marks] or [token for token in start if token is not None and token != plain[0]][:1]


def _shared(some: list[int], others: list[int]) -> int:
    """How long the beginning is that both have."""
    return next((at for at, (one, other) in enumerate(zip(some, others, strict=False)) if one != other), len(some))


def _placed(
    model: LoadedModel, before: list[int], ids: list[int], scores: list[Score | None]
) -> tuple[ScoredToken, ...]:
    pieces, found, start = detokenizer(model.tokenizer, before), [], 0
    for place, (token, score) in enumerate(zip(ids, scores, strict=True)):
        text = pieces.push(token) + (pieces.flush() if place == len(ids) - 1 else "")
        found.append(ScoredToken(token, text, start, token in model.special_ids, score))
        start += len(text)
    return tuple(found)


def _slid(window: Window) -> Note:
    text = (
        f"The text is longer than the {window.size} tokens that the model can see: it is scored through a window that "
        f"moves on by {window.block}, so a token has at least {window.most - window.block} before it."
    )
    return Note("info", "window", text)


def scored(model: LoadedModel, ids: Sequence[int], first: int = 1) -> list[Score]:
    """The scores of `ids[first:]`, each given all ids before it; `first` is at least 1.

    In one pass through the model where it gives logits at every position (in slices, so that they take a bounded
    memory); by steps, as a run of the text would go, for models that read at a mask or whose memory depends on how
    the text is cut. A text longer than the model's positions slides through its window as a run with overflow slide
    does. The runs' own caches are left alone. Raises `PromptError` for ids that the model does not know, `EngineError`
    where its scores are no numbers.
    """
    return [score for part in scoring(model, ids, first) for score in part]


def scoring(model: LoadedModel, ids: Sequence[int], first: int = 1, adapters: str = "") -> Iterator[list[Score]]:
    """As `scored`, in parts as they come, so that one can tell how far it is, and stop; under these adapters."""
    if not all(0 <= token < model.vocabulary_size for token in ids):
        raise PromptError(f"the text holds a token id outside the model's vocabulary of {model.vocabulary_size}")
    if first >= len(ids):
        return
    runner = SlidingRunner(model.looking.runner, scoring_window(model, ids))
    runner.adapt(model.mix(adapters))
    try:
        runner.reset()
        text = torch.tensor(list(ids), device=model.device)
        logits, _ = runner.prefill(list(ids[:first]))
        yield scores_of(logits, text[first : first + 1])
        at = first + 1
        for logits in runner.read(text[first:-1]):
            yield scores_of(logits, text[at : at + len(logits)])
            at += len(logits)
    finally:
        runner.reset()


def scoring_window(model: LoadedModel, ids: Sequence[int]) -> Window | None:
    """The window that slides over a text of these ids; None where all of it fits, or nothing bounds it."""
    if model.positions is None or model.positions < 2:
        return None
    window = Window(model.positions, model.family.head(model, ids))
    return window if window.out(len(ids) - 1) else None


def scores_of(logits: torch.Tensor, chosen: torch.Tensor) -> list[Score]:
    """Of `chosen` (n,) under the `logits` (n, vocabulary) before each."""
    logprobs = logits.double().log_softmax(dim=-1)
    if torch.isnan(logprobs).any():
        raise EngineError("the model's scores are not numbers: try dtype float32")
    own = logprobs.gather(1, chosen[:, None].to(logprobs.device))
    ranks = (logprobs > own).sum(dim=1) + 1
    entropies = torch.special.entr(logprobs.exp()).sum(dim=1) / _BIT
    rows = zip(own[:, 0].tolist(), ranks.tolist(), entropies.tolist(), strict=True)
    return [Score(*row) for row in rows]
