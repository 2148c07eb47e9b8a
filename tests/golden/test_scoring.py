"""The scores of a text against the library's own generation, forced along the same text, for every family."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from engine import Settings
from engine.models.loaded import LoadedModel
from engine.scoring import score_text, scored
from tests.golden.cases import CHECKPOINTS
from tests.models import generated, golden_model
from tests.paths import needs_golden

pytestmark = needs_golden
TEXT = "The old lighthouse keeper, who had 3 dogs, sat down by the river."
# Transformer-XL's weights amplify rounding, as the reference data's own account says.
CLOSE = {name: 5e-3 if name.startswith("transfo-xl") else 5e-4 for name in CHECKPOINTS}


class Forced(LogitsProcessor):  # type: ignore[misc]
    """Lets a text come, and keeps what the model would have said of it."""

    def __init__(self, ids: list[int], first: int) -> None:
        self.coming, self.first = ids, first
        self.seen: list[tuple[float, int, float]] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        token = self.coming[input_ids.shape[1]]
        logprobs = scores[0].double().log_softmax(dim=-1)
        entropy = float(torch.special.entr(logprobs.exp()).sum() / torch.log(torch.tensor(2.0)))
        self.seen.append((float(logprobs[token]), 1 + int((logprobs > logprobs[token]).sum()), entropy))
        forced = torch.full_like(scores, -torch.inf)
        forced[0, token] = 0.0
        return forced


def by_generation(model: LoadedModel, ids: list[int], first: int) -> list[tuple[float, int, float]]:
    forced = Forced(ids, first)
    options: dict[str, Any] = {"max_new_tokens": len(ids) - first, "do_sample": False, "pad_token_id": 0}
    generated(model, ids[:first], logits_processor=LogitsProcessorList([forced]), **options)
    return forced.seen


@pytest.mark.parametrize("first", [1, 4])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_scores_are_those_of_a_generation_forced_along_the_text(name: str, first: int) -> None:
    model = golden_model(name)
    model.family.set_up(model, Settings(xlm_language="en"))
    ids = list(model.tokenizer.encode(TEXT, add_special_tokens=False))
    found, wanted = scored(model, ids, first), by_generation(model, ids, first)
    assert len(found) == len(wanted) == len(ids) - first
    assert [score.logprob for score in found] == pytest.approx([row[0] for row in wanted], abs=CLOSE[name])
    assert [score.entropy for score in found] == pytest.approx([row[2] for row in wanted], abs=CLOSE[name])
    # A rank moves where two neighbours are closer than rounding.
    assert all(abs(score.rank - row[1]) <= 2 for score, row in zip(found, wanted, strict=True))


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_the_first_token_is_scored_where_something_can_stand_before_it(name: str) -> None:
    model = golden_model(name)
    score = score_text(model, TEXT, Settings(xlm_language="en"))
    unscored = name in ("openai-gpt", "ctrl")
    assert (score.tokens[0].score is None) == unscored
    assert ("first-unscored" in {note.code for note in score.notes}) == unscored
    assert all(token.score is not None for token in score.tokens[1:])
