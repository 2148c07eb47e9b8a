"""What is chosen where a job leaves it open."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.finetune import room
from engine.finetune.defaults import learning_rate
from engine.finetune.job import Job
from engine.finetune.plan import Plan, plan_for
from engine.finetune.text import cut
from engine.models.loaded import LoadedModel


def plan(model: LoadedModel, tokens: int, size: int = 64, **asked: object) -> Plan:
    job = Job(Path("a.txt"), **asked)  # type: ignore[arg-type]
    return plan_for(job, model, cut(list(range(tokens)), [], size, "text"), model.parameters, ())


def test_rates_fall_with_the_size_and_are_higher_for_a_lora() -> None:
    assert learning_rate(124_000_000, lora=False) == 5e-5 and learning_rate(124_000_000, lora=True) == 2e-4
    sizes = [10**3, 10**6, 10**8, 10**9, 10**11]
    rates = [learning_rate(size, lora=False) for size in sizes]
    assert rates == sorted(rates, reverse=True) and rates[0] == 1e-3 and rates[-1] == 2e-5
    assert all(learning_rate(size, lora=True) >= max(1e-4, learning_rate(size, lora=False)) for size in sizes)


def test_three_epochs_of_eight_blocks_a_step(gpt2: LoadedModel) -> None:
    found = plan(gpt2, 64 * 200)
    assert (found.batch_size, found.steps, found.epochs, found.rank) == (8, 3 * 23, 3.0, 0)
    assert found.warmup_steps == 3 and found.steps // 20 <= found.evaluate_every <= found.steps // 4


def test_a_short_text_gets_smaller_steps(gpt2: LoadedModel) -> None:
    found = plan(gpt2, 64 * 17)
    assert (found.batch_size, found.steps) == (2, 24)
    assert plan(gpt2, 64 * 2).steps == 3


def test_what_is_asked_for_is_taken(gpt2: LoadedModel) -> None:
    found = plan(gpt2, 64 * 200, steps=7, batch_size=4, learning_rate=0.01, seed=0, lora=True, rank=2)
    assert (found.steps, found.batch_size, found.learning_rate, found.seed, found.rank) == (7, 4, 0.01, 0, 2)
    assert plan(gpt2, 64 * 200, epochs=0.5).steps == round(0.5 * 23)
    assert Plan.from_plain(found.plain()) == found
    assert plan(gpt2, 64 * 20, batch_size=500).batch_size == 18, "no more than there are"


def test_a_batch_goes_through_in_parts_that_have_room(gpt2: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    one = room.block_bytes(gpt2, 64)
    weights = 12 * gpt2.parameters
    for blocks, expected in ((1, 1), (3, 2), (5, 4), (100, 8)):
        monkeypatch.setattr(room, "free_memory", lambda _, n=blocks: int((weights + n * one) / 0.7) + 9)
        assert plan(gpt2, 64 * 200).at_once == expected
    assert plan(gpt2, 64 * 200, at_once=2).at_once == 2


def test_a_large_model_on_a_cpu_is_asked_for_less(gpt2: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(gpt2), "parameters", 10**9)
    found = plan(gpt2, 64 * 20_000)
    assert 20 <= found.steps < 3 * 20_000 // 8 and found.epochs < 3
    assert plan(gpt2, 64 * 20_000, epochs=3).epochs == pytest.approx(3, abs=0.01)
    assert gpt2.device == torch.device("cpu")
