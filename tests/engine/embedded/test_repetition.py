"""Learning not to go in circles: the windows of a phrase over and over, and their loss by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.models.embedded.batches import Stream
from engine.models.embedded.model import build_model, predict
from engine.models.embedded.recipe import Recipe, TrainingError
from engine.models.embedded.repetition import LONGEST, SHORTEST, looped_windows, repetition_loss

RECIPE = Recipe(vocabulary=300, context=120, width=16, layers=1, heads=2, loop_windows=5)


def streams() -> list[Stream]:
    numbers = np.arange(5000, dtype=np.uint16)
    return [Stream("up", 0.5, numbers, numbers[:0]), Stream("down", 0.5, numbers[::-1].copy(), numbers[:0])]


@pytest.mark.parametrize("step", range(20))
def test_a_window_is_a_piece_of_text_whose_end_is_said_over_and_over(step: int) -> None:
    ids, back = looped_windows(streams(), RECIPE, step)
    assert ids.shape == back.shape == (5, 121)
    for row, earlier in zip(ids.tolist(), back.tolist(), strict=True):
        new = earlier.index(max(earlier))  # the first token that was said before
        (phrase,) = set(earlier[new:])
        assert SHORTEST <= phrase <= LONGEST
        assert set(earlier[:new]) == {0}
        assert new > phrase, "there is a token before the phrase"
        assert {abs(a - b) for a, b in pairwise(row[:new])} == {1}, "as it stood in the text"
        assert all(row[i] == row[i - phrase] for i in range(new, 121))


def test_the_windows_of_a_step_are_always_the_same_and_of_another_step_others() -> None:
    once, again = looped_windows(streams(), RECIPE, 3), looped_windows(streams(), RECIPE, 3)
    assert torch.equal(once[0], again[0]) and torch.equal(once[1], again[1])
    assert not torch.equal(once[0], looped_windows(streams(), RECIPE, 4)[0])


def test_the_smallest_context_has_room_for_a_phrase() -> None:
    ids, back = looped_windows(streams(), Recipe(context=9, loop_windows=50), 0)
    assert ids.shape == (50, 10) and bool((back.max(1).values == SHORTEST).all())
    with pytest.raises(TrainingError, match="must have room"):
        Recipe(context=8, loop_windows=1)


def logits_of(chosen: list[float], ids: list[int]) -> torch.Tensor:
    """Logits over four tokens that give each of `ids` but the first the probability in `chosen`."""
    rows = torch.empty(1, len(chosen), 4)
    for place, (p, token) in enumerate(zip(chosen, ids[1:], strict=True)):
        rows[0, place] = math.log((1 - p) / 3)
        rows[0, place, token] = math.log(p)
    return rows


def test_the_loss_by_hand() -> None:
    ids = [3, 0, 1, 0, 1]  # "0 1", twice, after a 3
    back = torch.tensor([[0, 0, 0, 2, 2]])
    logits = logits_of([0.2, 0.4, 0.5, 0.2], ids)
    loss = repetition_loss(logits, torch.tensor([ids]), back, decay=0.5)
    # |0.5 - 0.5 * 0.2| and |0.2 - 0.5 * 0.4|
    assert loss.item() == pytest.approx(-math.log(1 - 0.4) / 2, rel=1e-5)


def test_only_the_repeated_is_taught_and_certainty_stays_finite() -> None:
    ids, back = [3, 0, 0], torch.tensor([[0, 0, 1]])
    logits = logits_of([0.3, 0.9], ids).requires_grad_()
    repetition_loss(logits, torch.tensor([ids]), back, decay=0.5).backward()
    assert logits.grad is not None
    assert not logits.grad[0, 0].any(), "the time before is taken as given"
    assert logits.grad[0, 1, 0] > 0 > logits.grad[0, 1, 1], "a smaller logit of what was said, larger ones of others"
    sure = torch.tensor([[[0.0, 0, 0, 0], [1000.0, 0, 0, 0]]])
    assert math.isfinite(repetition_loss(sure, torch.tensor([ids]), back, decay=0.0).item())


def test_a_model_learns_to_leave_a_phrase(tmp_path: Path) -> None:
    recipe = RECIPE.changed({"loop_decay": "0.2"})
    model = build_model(recipe, 300)
    numbers = np.resize(np.arange(300, dtype=np.uint16), 5000)
    ids, back = looped_windows([Stream("a", 1.0, numbers, numbers[:0])], recipe, 0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    with torch.no_grad():  # of a model that is sure of a phrase's return
        model.transformer.wte.weight.mul_(40)
    for _ in range(12):
        loss = repetition_loss(predict(model, ids, bfloat16=False), ids, back, recipe.loop_decay)
        losses.append(loss.item())
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    assert losses[-1] < losses[0] / 2
