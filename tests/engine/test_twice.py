"""The library's loop and ours on the same run."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine import Settings
from engine.errors import EngineError
from engine.models.loaded import LoadedModel
from engine.twice import Twice, no_counterpart, twice
from tests.golden.cases import CHECKPOINTS
from tests.models import PROMPT, by_library, golden_model, play
from tests.paths import needs_golden

RUNS: dict[str, dict[str, Any]] = {
    "greedy": {"strategy": "greedy", "repetition_penalty": 1.2},
    "sample": {"temperature": 1.2, "top_k": 30, "min_p": 0.01, "typical_p": 0.9},
    "ids": {"suppress_tokens": (4, 5), "sequence_bias": (((7,), 3.0),), "bad_words_ids": ((9,), (8, 1))},
    "ends": {"eos_token_id": tuple(range(0, 300, 9)), "min_new_tokens": 3},
    "no end": {"eos_token_id": ()},
    "stop": {"stop_strings": ("e",), "top_p": 1.0},
    "beam": {"strategy": "beam", "num_beams": 3, "length_penalty": 0.5, "early_stopping": "never"},
    "beam-sample": {"strategy": "beam-sample", "num_beams": 3},
}


@pytest.mark.parametrize("name", RUNS)
def test_both_loops_give_the_same_tokens(gpt2: LoadedModel, name: str) -> None:
    play(gpt2, PROMPT)
    held, told, state = gpt2.runner.ids.clone(), [], torch.get_rng_state()
    own = gpt2.model.generation_config
    found = twice(gpt2, PROMPT, Settings(max_new_tokens=12, **RUNS[name]), lambda *pair: told.append(pair))
    assert found.first_difference is None and found.library == found.loop and found.loop
    assert found.library_s > 0 and found.loop_s > 0
    assert told[-1][1] == 24 and told == sorted(told)
    assert gpt2.model.generation_config is own and torch.equal(torch.get_rng_state(), state)
    assert torch.equal(gpt2.runner.ids, held), "the session's own cache is as it was"


def test_it_is_the_library_s_own_run(gpt2: LoadedModel) -> None:
    wanted = by_library(gpt2, seed=8, do_sample=True, top_k=0, top_p=0.7, max_new_tokens=9)
    assert list(twice(gpt2, PROMPT, Settings(seed=8, top_p=0.7, max_new_tokens=9)).library) == wanted


@needs_golden
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_family(name: str) -> None:
    model = golden_model(name)
    settings = Settings(strategy="greedy", max_new_tokens=10, xlm_language="en", prefix="He was there. ")
    assert twice(model, "The old river", settings).first_difference is None


def test_what_has_no_counterpart_is_said(gpt2: LoadedModel) -> None:
    for changes, said in (
        ({"strategy": "dola"}, "dola"),
        ({"num_return_sequences": 2}, "Set sequences to 1"),
        ({"bad_words": ("x",)}, "no counterpart to"),
        ({"context_window": 20}, "no counterpart to"),
    ):
        settings = Settings(**changes)
        assert said in no_counterpart(settings)
        with pytest.raises(EngineError):
            twice(gpt2, PROMPT, settings)
    assert no_counterpart(Settings(overflow="slide", alternatives=3, prefix="x")) == ""
    assert len(twice(gpt2, [5] * 60, Settings(max_new_tokens=50)).loop) == 4, "what the model has room for"


def test_it_can_be_stopped_in_either_loop(gpt2: LoadedModel) -> None:
    for when in (3, 15):

        def stop(done: int, total: int, when: int = when) -> None:
            if done >= when:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            twice(gpt2, PROMPT, Settings(max_new_tokens=12, eos_token_id=()), stop)
        assert gpt2.model.generation_config.eos_token_id is not None


def test_where_two_texts_differ() -> None:
    assert Twice((1, 2, 3), (1, 2, 3), 1, 1).first_difference is None
    assert Twice((1, 2, 3), (1, 4, 3), 1, 1).first_difference == 1
    assert Twice((1, 2, 3), (1, 2), 1, 1).first_difference == 2
