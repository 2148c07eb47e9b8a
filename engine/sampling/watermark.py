"""The watermark of Kirchenbauer et al. 2023 in a text, and how sure one can be that it is there: the library's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import LogitsProcessor, WatermarkDetector, WatermarkLogitsProcessor

from engine.errors import EngineError
from engine.settings.shapes import GreenMark, green_fields

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True)
class Detected:
    """How many of the `tokens` that were scored are green, and what that says: chance alone gives a z-score near 0."""

    tokens: int
    green: float
    z_score: float
    p_value: float

    @property
    def what(self) -> str:
        """What was counted, in words."""
        return f"{self.green:.0%} of {self.tokens} green"


class WatermarkStage(LogitsProcessor):  # type: ignore[misc]
    """The library's processor, made as the size of the vocabulary is seen."""

    def __init__(self, mark: GreenMark) -> None:
        self._mark = mark
        self._processor: Any = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary)."""
        if self._processor is None:
            fields = green_fields(self._mark)
            self._processor = WatermarkLogitsProcessor(scores.shape[-1], str(scores.device), **fields)
        return self._processor(input_ids, scores)


def detected(model: LoadedModel, ids: Sequence[int], mark: GreenMark) -> Detected:
    """Looks for this watermark in the ids of a text. Raises `EngineError` where there are too few of them."""
    width = mark[4]
    if len(ids) < width + 2:
        raise EngineError(f"a watermark cannot be told in {len(ids)} tokens: give a longer text")
    detector = WatermarkDetector(
        model.model.config.get_text_config(decoder=True), str(model.device), green_fields(mark)
    )
    found = detector(torch.tensor([list(ids)], device=model.device), return_dict=True)
    numbers = (found.num_tokens_scored, found.green_fraction, found.z_score, found.p_value)
    tokens, green, z_score, p_value = (each[0].item() for each in numbers)
    return Detected(int(tokens), green, z_score, p_value)
