"""The sampler: one snapshot of settings applied to one step's logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.errors import EngineError
from engine.sampling.filters import WordFilter
from engine.sampling.random_streams import RandomStreams
from engine.sampling.stages import KEEPING, Context, stages
from engine.settings import Settings
from engine.settings.names import BEAMS

NO_NUMBERS = "the model's scores are not numbers or leave no token to choose: try dtype float32"


class Sampler:
    """Processes logits under the current settings and chooses from them.

    `use(settings)` swaps the settings; the processors are made anew only when the settings differ.
    """

    def __init__(self, settings: Settings, context: Context, streams: RandomStreams) -> None:
        self.settings = settings
        self.context = context
        self._streams = streams
        self._stages = stages(settings, context)

    def use(self, settings: Settings) -> None:
        """Obey these settings from the next call on."""
        if settings is not self.settings:
            self.settings = settings
            self._stages = stages(settings, self.context)

    def process(self, ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) after every stage; `ids` (rows, length) is the text so far."""
        scores = logits
        for stage in self._stages:
            scores = stage.processor(ids, scores)
            if stage.name == "filters":  # a stage that draws cannot do with nothing
                self._check_left(scores)
        if self.filters:
            self._check_left(scores)
        return scores

    def by_stage(self, ids: torch.Tensor, logits: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
        """(stage, scores after it) for each stage that is on, in order."""
        told, scores = [], logits
        for stage in self._stages:
            scores = stage.processor(ids, scores)
            told.append((stage.name, scores))
        return told

    def choose(self, scores: torch.Tensor, sequences: list[int]) -> torch.Tensor:
        """The next id of each row: the likeliest under greedy, else drawn by that sequence's stream."""
        if self.settings.draws:
            return self._streams.draw(scores, sequences)
        best = scores.max(dim=-1)
        if not best.values.isfinite().all():
            raise EngineError(NO_NUMBERS)
        return best.indices

    def choose_several(self, scores: torch.Tensor, count: int) -> torch.Tensor:
        """`count` places of log-scores (places,): the highest, or drawn without replacement by the first stream."""
        if torch.isnan(scores).any():
            raise EngineError(NO_NUMBERS)
        return self._streams.draw_several(scores, count) if self.settings.draws else scores.topk(count).indices

    def in_form(self, ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """The logits with only what the form and the filters allow left, where there are such."""
        for stage in self._stages:
            if stage.name in KEEPING:
                logits = stage.processor(ids, logits)
        return logits

    @property
    def filters(self) -> WordFilter | None:
        """The filters that are on."""
        return self.context.filtering.current

    @property
    def is_strict(self) -> bool:
        """Whether some tokens are ruled out for good: by a form, by filters, by what must be said again."""
        return self.keeps_form or self.filters is not None or self.context.healing is not None

    @property
    def keeps_form(self) -> bool:
        """Whether a form is asked for."""
        return bool(self.context.forms)

    def is_complete(self, ids: Sequence[int]) -> bool:
        """Whether a text, all its ids with the prompt's, has the form that is asked for and nothing can follow."""
        return self.keeps_form and self.context.forms[0].is_complete(ids)

    def drawn(self, sequence: int) -> int:
        """How many draws of a sequence's random stream lie behind it."""
        return self._streams.drawn(sequence)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The stages that are on, in the order in which they act."""
        return tuple(stage.name for stage in self._stages)

    def _check_left(self, scores: torch.Tensor) -> None:
        """Raises `EngineError` where a row is left nothing; of beams those that are die, and one is enough."""
        assert self.filters
        left = (scores > -float("inf")).any(dim=-1)
        if not (left.any() if self.settings.strategy in BEAMS else left.all()):
            names = self.filters.names
            raise EngineError(f"{names}: no token is left that may come here; ease what is forbidden, or clear it")
