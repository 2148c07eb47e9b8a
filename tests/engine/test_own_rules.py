"""A caller's own processors, criteria and rules, as the library's generate() takes them, under every strategy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from transformers import LogitsProcessorList, MaxLengthCriteria, StoppingCriteria, SuppressTokensLogitsProcessor

from engine import Settings
from engine.events import Failed
from engine.models.loaded import LoadedModel
from tests.models import PROMPT, by_library, end, play, tiny_gpt2

WAYS: list[dict[str, Any]] = [
    {"strategy": "greedy"},
    {"strategy": "sample", "num_return_sequences": 3},
    {"strategy": "beam", "num_beams": 3},
    {"strategy": "contrastive", "top_k": 4},
    {"strategy": "assisted"},
    {"strategy": "dola"},
]


class Ends(StoppingCriteria):  # type: ignore[misc]
    """After a token that is a multiple of four."""

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return input_ids[:, -1] % 4 == 0


def even(batch: int, text: torch.Tensor) -> list[int]:
    """After an even token an odd one."""
    assert batch == 0 and text[: len(PROMPT)].tolist() == list(PROMPT)
    return list(range(1 - int(text[-1]) % 2, 299, 2))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way["strategy"])
def test_they_hold_under_every_strategy(gpt2: LoadedModel, way: dict[str, Any]) -> None:
    banned = SuppressTokensLogitsProcessor(list(range(0, 299, 3)))
    settings = Settings(max_new_tokens=12, eos_token_id=(), **way)
    events = play(gpt2, PROMPT, settings, logits_processor=[banned], stopping_criteria=[Ends()])
    for sequence in end(events).sequences:
        assert all(token % 3 for token in sequence.token_ids)
        assert all(token % 4 for token in sequence.token_ids[:-1])
        assert (sequence.finish_reason == "stop") == (sequence.token_ids[-1] % 4 == 0)
    for sequence in end(play(gpt2, PROMPT, settings, prefix_allowed_tokens_fn=even)).sequences:
        text = [PROMPT[-1], *sequence.token_ids]
        assert all((one + other) % 2 for one, other in pairwise(text))


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}])
def test_they_are_the_library_s(options: dict[str, Any]) -> None:
    own: dict[str, Any] = {
        "logits_processor": LogitsProcessorList([SuppressTokensLogitsProcessor(list(range(0, 200, 2)))]),
        "stopping_criteria": [MaxLengthCriteria(len(PROMPT) + 5)],
        "prefix_allowed_tokens_fn": even,
    }
    model = tiny_gpt2()
    settings = Settings.from_generation_config({"max_new_tokens": 12, **options})
    ours = end(play(model, PROMPT, settings, **own)).sequences[0].token_ids
    assert list(ours) == by_library(model, max_new_tokens=12, do_sample=False, **own, **options)
    assert len(ours) == 5


def test_a_rule_that_leaves_nothing_ends_in_a_line(gpt2: LoadedModel) -> None:
    last = play(gpt2, PROMPT, Settings(), prefix_allowed_tokens_fn=lambda *_: [])[-1]
    assert isinstance(last, Failed) and "prefix_allowed_tokens_fn" in last.error and "\n" not in last.error
