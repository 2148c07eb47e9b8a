"""SynthID-Text (Dathathri et al. 2024, "Scalable watermarking for identifying large language model outputs"): the
library's processor, and what can be told of a text without its trained detector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import SynthIDTextWatermarkLogitsProcessor

from engine.errors import EngineError
from engine.settings.shapes import SynthIDMark

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel


class SynthIDStage(SynthIDTextWatermarkLogitsProcessor):  # type: ignore[misc]
    """The library's processor, with what it remembers of its calls read off the ids of each row.

    So rows may be dropped, doubled and reordered, and ids taken back. The first call is that for the token after the
    prompt of `start` ids, also where the mark is set later.
    """

    state: Any

    def __init__(self, mark: SynthIDMark, start: int, device: torch.device) -> None:
        super().__init__(**mark._asdict(), device=device)
        self._start = start

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) for the token after `input_ids` (rows, length)."""
        self._remember(input_ids)
        marked = super().__call__(input_ids, scores)
        # The library gives a token that was ruled out the lowest number instead.
        return marked.masked_fill(scores == -float("inf"), -float("inf"))

    def _remember(self, input_ids: torch.Tensor) -> None:
        """Sets the state in which the library's processor is after its calls for the tokens so far."""
        calls = input_ids.shape[1] - self._start
        if calls < 1:
            self.state = None
            return
        self._init_state(input_ids.shape[0])
        width, size = self.ngram_len - 1, self.context_history_size
        padded = torch.nn.functional.pad(input_ids[:, self._start :], (width, 0))[:, -(size + width) :]
        contexts = padded.unfold(1, width, 1)[:, :-1]  # of the calls so far; the one that comes makes its own
        self.state.num_calls, self.state.context = calls, contexts[:, -1]
        unmarked = max(0, width - (calls - contexts.shape[1])) if self.skip_first_ngram_calls else 0
        hashes = self.accumulate_hash(torch.ones_like(contexts[..., 0]), contexts)[:, unmarked:]
        self.state.context_history[:, : hashes.shape[1]] = hashes.flip(1)


@dataclass(frozen=True, slots=True)
class SynthIDDetected:
    """The mean of the g-values of the `tokens` that were scored, beside the mean that chance `expected`.

    Without the watermark the z-score is near 0; what is above 4 is hardly chance.
    """

    tokens: int
    mean: float
    expected: float
    z_score: float
    p_value: float

    @property
    def what(self) -> str:
        """What was counted, in words."""
        return f"mean g-value {self.mean:.3f} in {self.tokens} tokens, {self.expected:.3f} by chance"


def detected(model: LoadedModel, ids: Sequence[int], mark: SynthIDMark) -> SynthIDDetected:
    """The mean score of Dathathri et al. 2024 over the text's n-grams and all keys, and how unlikely chance makes it.

    An n-gram whose context came before counts once, as when the text was marked. Raises `EngineError` where there are
    too few ids.
    """
    if len(ids) <= mark.ngram_len:
        raise EngineError(f"a watermark cannot be told in {len(ids)} tokens: give a longer text")
    stage = SynthIDStage(mark, 0, model.device)
    text = torch.tensor([list(ids)], device=model.device)
    kept = stage.compute_context_repetition_mask(text)[0]
    values = stage.compute_g_values(text)[0][kept].double()
    expected = float(stage.sampling_table.double().mean())
    mean, spread = float(values.mean()), math.sqrt(expected * (1 - expected) / values.numel())
    z_score = (mean - expected) / spread if spread else 0.0
    return SynthIDDetected(int(kept.sum()), mean, expected, z_score, 0.5 * math.erfc(z_score / math.sqrt(2)))
