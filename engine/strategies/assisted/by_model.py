"""A smaller model drafts, greedily (Leviathan et al. 2023; Chen et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from engine import window
from engine.models.loaded import LoadedModel
from engine.runner import Runner
from engine.runner.sliding import SlidingRunner
from engine.settings import Settings
from engine.strategies.assisted.draft import Tokens

if TYPE_CHECKING:
    from engine.models.adapters import Mix


class ByModel:
    """Drafts with a model and a runner of its own, which remembers what the last drafts share with the text.

    It outlives a run, since the schedule `heuristic` goes on in the next one with the length that it came to.
    """

    def __init__(
        self, model: LoadedModel, runner: Runner, source: str, vocabulary: int, *, shares: bool = False
    ) -> None:
        self.model = model
        self.source = source
        self.beliefs: list[torch.Tensor] = []
        self._runner = SlidingRunner(runner)
        self._vocabulary = vocabulary
        self._shares = shares  # the weights of the model that it drafts for, and with them the adapters
        self._asked = 0  # `num_assistant_tokens` as it was when the length was set
        self.length = 0
        """How many tokens it drafts at a time."""

    def begin(self, settings: Settings) -> None:
        """A run begins."""
        if settings.num_assistant_tokens_schedule != "heuristic":
            self._asked = 0

    def adapt(self, mix: Mix | None) -> None:
        if self._shares and mix is not None:
            self._runner.adapt(mix)

    def propose(self, text: Tokens, most: int, settings: Settings) -> Tokens:
        if self._asked != settings.num_assistant_tokens:
            self._asked = self.length = settings.num_assistant_tokens
        if settings.num_assistant_tokens_schedule == "constant":
            self.length = self._asked
        return self._drafted(text, min(self.length, most), settings)

    def judged(self, proposed: int, accepted: int, settings: Settings) -> None:
        if proposed and settings.num_assistant_tokens_schedule != "constant":
            self.length = self.length + 2 if accepted == proposed else max(1, self.length - 1)

    def _drafted(self, text: Tokens, count: int, settings: Settings) -> Tokens:
        """Its likeliest tokens after a text of its own tokens, as far as both models can say them.

        It sees as much of a long text as the model does, or as much as it can.
        """
        head = self.model.family.head(self.model, text) if text else 0
        self._runner.window = window.window(settings.changed(overflow="slide"), self.model.positions, head)
        known = self.model.vocabulary_size
        found: Tokens = []
        self.beliefs = []
        while len(found) < count and all(token < known for token in text):
            logits = self._runner.step(torch.tensor(found[-1:])) if found else self._runner.prefill(text)[0]
            belief = torch.softmax(logits[0], dim=-1)
            likeliest = belief.max(dim=-1)
            token = int(likeliest.indices)
            if token >= self._vocabulary:
                break
            found.append(token)
            self.beliefs.append(belief)
            if float(likeliest.values) < settings.assistant_confidence_threshold:
                break
        return found
