"""What every strategy needs while it runs: the step's settings, when to stop, and the sequences as they grow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from transformers import StoppingCriteria

from engine import guiding, outputs
from engine.controls import Controls
from engine.detokenizer import Detokenizer
from engine.events import (
    Alternative,
    Changed,
    Event,
    Finished,
    FinishReason,
    Numbers,
    Paused,
    Sequence,
    Stopped,
    Tensors,
    Timing,
    Token,
)
from engine.models.loaded import LoadedModel
from engine.sampling import Sampler
from engine.settings import Settings
from engine.strategies.adapting import Adapting
from engine.strategies.filtering import FilterNotes
from engine.strategies.sight import Sight
from engine.strategies.wording import Wording


@dataclass
class Growing:
    """A sequence that is being written."""

    number: int
    detokenizer: Detokenizer
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """How long the text was after each id."""
    text: str = ""
    reason: FinishReason | None = None
    halved: bool = False
    score: float | None = None
    closed: bool = False

    @property
    def surplus(self) -> int:
        """Characters that the next tokens say again of the prompt."""
        return getattr(self.detokenizer, "surplus", 0)

    def flushed(self) -> str:
        """What the detokenizer held back, now that the text ends here."""
        self.closed = True
        self.halved = getattr(self.detokenizer, "halved", False)
        return self.detokenizer.flush()


@dataclass
class Run:
    """One call of `generate` under way."""

    model: LoadedModel
    sampler: Sampler
    controls: Controls
    settings: Settings
    prompt_ids: list[int]
    sequences: list[Growing]
    sight: Sight
    stopping: tuple[StoppingCriteria, ...] = ()
    prefill_s: float = 0.0
    decode_s: float = 0.0
    stopped: bool = False
    """Whether the run is to end before the token of the last `begin_step`."""
    _wanted: Settings | None = None

    def __post_init__(self) -> None:
        self.runner = guiding.runner(self.model, self.settings)
        self._adapting = Adapting(self.model, self.runner, self.settings)
        self._wording = Wording(self.sampler.context.spelling)
        self.filter_notes = FilterNotes(self.sampler.context.filtering)
        self.surplus = self.sequences[0].surplus
        """Characters that the new tokens say again of the prompt."""
        self.gives_tensors = bool(outputs.asked(self.settings))

    def begin_step(self, index: int) -> Iterator[Event]:
        """Before the new token `index`: waits while paused, takes over changed settings. Read `stopped` after it."""
        while self.controls.must_wait() and not self.controls.must_stop(index):
            yield Paused(index)
        self.stopped = self.controls.must_stop(index)
        yield from self._changed(index)
        if self.stopped:
            yield Stopped(index)

    def _changed(self, index: int) -> Iterator[Event]:
        wanted = self.controls.wanted(index)
        if wanted is self._wanted:
            return
        self._wanted = wanted
        before = self.settings
        self.settings = self._adapting.obeyed(before, before.obeying(wanted))
        self.sampler.use(self.settings)
        self.runner.window = self.sight.window(self.settings)
        self.runner.scale = self.settings.guidance_scale
        for name, (old, new) in before.differences(self.settings).items():
            yield Changed(index, name, old, new)
        yield from self._adapting.told(index, self.settings)
        yield from self._wording.told(self.settings)
        yield from self.filter_notes.told()

    def prefill(self, rows: int) -> tuple[torch.Tensor, int]:
        """Puts the prompt through the model: logits (rows, vocabulary), and how many ids were in the cache."""
        start = time.perf_counter()
        logits, reused = self.runner.prefill(self.prompt_ids, rows)
        self.prefill_s = time.perf_counter() - start
        return logits, reused

    def room(self) -> int:
        """How many new tokens a sequence may have under the settings of this step."""
        return self.settings.room(len(self.prompt_ids), self.sight.end(self.settings))

    @property
    def end_ids(self) -> tuple[int, ...]:
        """The ids that end a text under the settings of this step."""
        return self.settings.end_ids(self.sampler.context.eos_token_ids)

    def limit(self, index: int) -> FinishReason | None:
        """Why the new token `index` is the last whatever it is, if it is."""
        if index + 1 >= self.room():
            return "length"
        seconds = self.prefill_s + self.decode_s
        return "time" if self.controls.is_time_up(index, seconds, self.settings.max_time) else None

    def forgotten(self, index: int, sequences: list[Growing]) -> Iterator[Event]:
        """After the pass for the new token `index`: tells what has fallen out of the model's sight by it."""
        return self.sight.told(index, self.runner.out, sequences, self.settings)

    def tensors(
        self, index: int, scores: torch.Tensor, logits: torch.Tensor, sequences: list[Growing], row: int | None = None
    ) -> Iterator[Event]:
        """What the new token `index` is chosen by, where that is asked for: before any other pass.

        `row` is the row of the last pass that went on, where the others did not.
        """
        if not self.gives_tensors:
            return
        settings, rows = self.settings, scores.shape[0]
        yield Tensors(
            index,
            tuple(growing.number for growing in sequences),
            scores.clone() if settings.output_scores else None,
            self.runner.unguided(logits).clone() if settings.output_logits else None,
            _of_rows(self.runner.attentions, rows, row) if settings.output_attentions else None,
            _of_rows(self.runner.hidden, rows, row) if settings.output_hidden_states else None,
        )

    def append(
        self,
        growing: Growing,
        token_id: int,
        logprob: float,
        alternatives: tuple[Alternative, ...],
        *,
        numbers: Numbers | None = None,
        picked: bool = False,
    ) -> Token:
        """Add a token to a sequence and tell it; sets the reason where it is the last."""
        reason = self.limit(len(growing.ids))
        if token_id in self.end_ids:
            reason = "eos"
        elif self.is_over([*growing.ids, token_id]):
            reason = "stop"
        told = self.tell(growing, token_id, logprob, alternatives, reason)
        return replace(told, numbers=numbers, picked=picked) if numbers or picked else told

    def is_over(self, ids: list[int]) -> bool:
        """Whether a form that is complete, or a caller's own criterion, ends a sequence of these new ids."""
        if not self.stopping and not self.sampler.keeps_form:
            return False
        whole = [*self.prompt_ids, *ids]
        text = torch.tensor([whole], device=self.model.device) if self.stopping else None
        # A criterion gives a tensor (1,), or a plain truth value.
        return self.sampler.is_complete(whole) or any(bool(ends(text, None)) for ends in self.stopping)

    def tell(
        self,
        growing: Growing,
        token_id: int,
        logprob: float,
        alternatives: tuple[Alternative, ...],
        reason: FinishReason | None = None,
    ) -> Token:
        """Add a token to a sequence and tell it; with a `reason` it is the last, as it is where a stop text ends."""
        index = len(growing.ids)
        piece = growing.detokenizer.push(token_id)
        growing.ids.append(token_id)
        growing.logprobs.append(logprob)
        special = token_id in self.model.special_ids or (self.settings.chat and token_id == self.model.turn_end)
        growing.reason = reason
        if reason:
            piece += growing.flushed()
        before = len(growing.text)
        growing.text += piece
        growing.ends.append(len(growing.text))
        self._look_for_stop(growing, before)
        return Token(growing.number, index, token_id, piece, logprob, alternatives, special)

    def alternatives(self, logprobs: torch.Tensor, logits: torch.Tensor) -> list[tuple[Alternative, ...]]:
        """For each row the likeliest tokens, as many as the settings ask for.

        `logprobs` (rows, vocabulary) are processed log-probabilities, `logits` what the model gave.
        """
        count = min(self.settings.alternatives, logprobs.shape[-1])
        if not count:
            return [()] * logprobs.shape[0]
        top = logprobs.topk(count, dim=-1)
        raw = torch.log_softmax(logits, dim=-1)
        rows = zip(top.indices.tolist(), top.values.tolist(), raw.gather(-1, top.indices).tolist(), strict=True)
        return [
            tuple(
                Alternative(i, self.model.piece(i), logprob, raw_logprob)
                for i, logprob, raw_logprob in zip(*row, strict=True)
                if logprob > -float("inf")
            )
            for row in rows
        ]

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Counts the time inside as decoding."""
        start = time.perf_counter()
        yield
        self.decode_s += time.perf_counter() - start

    def end(self) -> Iterator[Event]:
        """The end of the run, and what there is to say of it."""
        if any(growing.reason == "length" for growing in self.sequences):
            longest = max(len(growing.ids) for growing in self.sequences)
            yield from self.sight.ended(len(self.prompt_ids) + longest, self.settings)
        yield self.finished()

    def finished(self) -> Finished:
        """How the run ends: the sequences as they stand; one that was interrupted counts as cancelled."""
        for growing in self.sequences:
            if not growing.closed:  # the text is that of all its ids, also where more were to come
                growing.text += growing.flushed()
        sequences = [
            Sequence(
                tuple(growing.ids),
                growing.text,
                tuple(growing.logprobs),
                growing.reason or "cancelled",
                score=growing.score,
                drawn=self.sampler.drawn(growing.number),
                halved=growing.halved and growing.reason != "stop",
            )
            for growing in self.sequences
        ]
        return Finished(tuple(sequences), self.timing())

    def timing(self) -> Timing:
        """Seconds and tokens so far."""
        return Timing(self.prefill_s, self.decode_s, sum(len(growing.ids) for growing in self.sequences))

    def _look_for_stop(self, growing: Growing, before: int) -> None:
        """Ends the sequence where a stop text is complete; what was searched before is not searched again."""
        found = [
            (growing.text.find(stop, max(0, before - len(stop) + 1)), stop)
            for stop in (self.settings.stop_token, *self.settings.stop_strings)
            if stop
        ]
        found = [(place, stop) for place, stop in found if place >= 0]
        if found:
            growing.reason = "stop"
            place, stop = min(found)
            if stop == self.settings.stop_token:
                growing.text = growing.text[:place]


def _of_rows(layers: tuple[Any, ...], rows: int, row: int | None) -> tuple[Any, ...]:
    """Each layer's tensor for so many rows, which all began as the one of a prompt; or its row `row` alone."""

    def chosen(layer: Any) -> Any:
        if isinstance(layer, tuple):  # XLNet's two streams
            return tuple(map(chosen, layer))
        layer = layer if row is None else layer[row : row + 1]
        return layer.expand(rows, *layer.shape[1:])

    return tuple(map(chosen, layers))
