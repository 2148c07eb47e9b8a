"""Runners: what they remember gives the same logits as a pass over everything, whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import engine
from engine.events import Failed, Prefilled
from engine.models.loaded import LoadedModel
from engine.runner import CachedRunner, Runner, runner_for
from engine.runner.openai_gpt import OpenAIGPTRunner
from tests.models import (
    GREEDY,
    PROMPT,
    SAMPLED,
    by_library,
    counted,
    end,
    ids,
    play,
    tiny_gpt2,
    tiny_mistral,
    tiny_openai_gpt,
)

MAKERS: dict[str, Callable[[], LoadedModel]] = {
    "gpt2": tiny_gpt2,
    "window": tiny_mistral,
    "a cache of ours": tiny_openai_gpt,
}
LONGER = [*PROMPT, 9, 270, 31, 8, 55, 120, 4]
CLOSE: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-4}


@pytest.fixture(params=MAKERS)
def model(request: pytest.FixtureRequest) -> LoadedModel:
    return MAKERS[request.param]()


@torch.inference_mode()
def whole(model: LoadedModel, rows: list[list[int]]) -> torch.Tensor:
    """The logits after each row by one plain pass."""
    return model.model(input_ids=torch.tensor(rows), use_cache=False).logits[:, -1].float()


def reused(events: list[Any]) -> int:
    return next(event.reused for event in events if isinstance(event, Prefilled))


def check(model: LoadedModel, runner: Runner, logits: torch.Tensor, rows: list[list[int]]) -> None:
    assert runner.ids.tolist() == rows
    assert runner.length == len(rows[0])
    torch.testing.assert_close(logits, whole(model, rows), **CLOSE)


def test_the_runner_fits_the_model() -> None:
    assert isinstance(tiny_gpt2().runner, CachedRunner)
    assert isinstance(tiny_mistral().runner, CachedRunner)
    assert isinstance(tiny_openai_gpt().runner, OpenAIGPTRunner)


def test_prefill_and_steps_equal_one_pass(model: LoadedModel) -> None:
    runner = runner_for(model.model)
    logits, kept = runner.prefill(LONGER)
    assert kept == 0
    check(model, runner, logits, [LONGER])
    text = list(LONGER)
    for token in (5, 17, 290, 5, 61, 8):
        text.append(token)
        check(model, runner, runner.step(torch.tensor([token])), [text])


def test_rows_part_and_drop_out(model: LoadedModel) -> None:
    runner = runner_for(model.model)
    logits, _ = runner.prefill(PROMPT, 3)
    check(model, runner, logits, [list(PROMPT)] * 3)
    rows = [[*PROMPT, token] for token in (1, 2, 3)]
    check(model, runner, runner.step(torch.tensor([1, 2, 3])), rows)
    runner.fork([2, 0])
    rows = [[*rows[2], 40], [*rows[0], 50]]
    check(model, runner, runner.step(torch.tensor([40, 50])), rows)
    runner.fork([1, 1, 0])
    rows = [[*rows[1], 6], [*rows[1], 7], [*rows[0], 8]]
    check(model, runner, runner.step(torch.tensor([6, 7, 8])), rows)


@pytest.mark.parametrize("length", [1, 7, len(LONGER), len(LONGER) + 3])
def test_rewind_and_go_on(model: LoadedModel, length: int) -> None:
    runner = runner_for(model.model)
    runner.prefill(LONGER, 2)
    rows = [list(LONGER), list(LONGER)]
    for step in ([1, 2], [3, 4], [5, 6]):
        runner.step(torch.tensor(step))
        rows = [[*row, token] for row, token in zip(rows, step, strict=True)]
    runner.rewind(length)
    rows = [[*row[:length], 99] for row in rows]
    check(model, runner, runner.step(torch.tensor([99, 99])), rows)


def test_rewind_to_nothing_forgets_everything(model: LoadedModel) -> None:
    runner = runner_for(model.model)
    runner.prefill(PROMPT)
    runner.rewind(0)
    assert runner.length == 0
    logits, kept = runner.prefill(LONGER)
    assert kept == 0
    check(model, runner, logits, [LONGER])


@pytest.mark.parametrize(
    "second",
    [PROMPT, PROMPT[:3], PROMPT[:1], LONGER, [*PROMPT[:4], 1, 2, 3], [200, 201], [*PROMPT, 257], [*PROMPT, 2, 3]],
    ids=["same", "shorter", "one", "longer", "parting", "other", "as a row", "beyond a row"],
)
def test_a_second_prompt_after_a_run(model: LoadedModel, second: list[int]) -> None:
    """Whatever the cache still holds of the first, the second gets its own logits."""
    runner = runner_for(model.model)
    runner.prefill(PROMPT, 2)
    for step in ([257, 2], [7, 3], [8, 9], [1, 1], [4, 5]):
        runner.step(torch.tensor(step))
    logits, kept = runner.prefill(second, 2)
    assert 0 <= kept <= len(second)
    check(model, runner, logits, [list(second)] * 2)
    check(model, runner, runner.step(torch.tensor([30, 31])), [[*second, 30], [*second, 31]])


def test_the_same_run_again_reuses_everything(gpt2: LoadedModel) -> None:
    first = play(gpt2, settings=SAMPLED)
    with counted(gpt2) as widths:
        second = play(gpt2, settings=SAMPLED)
    assert (reused(first), reused(second)) == (0, len(PROMPT))
    assert widths == [1] * 11
    assert ids(second) == ids(first)
    assert end(second).sequences[0].logprobs == end(first).sequences[0].logprobs


def test_going_on_reuses_all_but_one(gpt2: LoadedModel) -> None:
    found = ids(play(gpt2))
    text = [*PROMPT, *found]
    with counted(gpt2) as widths:
        more = play(gpt2, text)
    # The last token of a run has not been through the model yet.
    assert reused(more) == len(text) - 1
    assert widths == [1] * 12
    assert [*found, *ids(more)] == ids(play(tiny_gpt2(), settings=GREEDY.changed(max_new_tokens=24)))


def test_a_prompt_that_shares_a_beginning_is_computed_from_there(gpt2: LoadedModel) -> None:
    play(gpt2)
    other = [*PROMPT[:4], 1, 2, 3]
    with counted(gpt2) as widths:
        assert reused(play(gpt2, other)) == 4
    assert widths[0] == 3


def test_the_row_that_shares_most_is_kept(gpt2: LoadedModel) -> None:
    events = play(gpt2, settings=SAMPLED.changed(num_return_sequences=3))
    text = [*PROMPT, *ids(events, 1)[:8]]
    assert reused(play(gpt2, text)) == len(text) - 1


def test_the_same_run_again_is_the_same(model: LoadedModel) -> None:
    """Also where the cache cannot be cut back, or there is none."""
    first = [play(model, settings=settings) for settings in (GREEDY, SAMPLED)]
    again = [play(model, settings=settings) for settings in (GREEDY, SAMPLED)]
    assert [ids(events) for events in again] == [ids(events) for events in first]


@pytest.mark.parametrize("length", [1, 20, 40])
def test_every_kind_of_model_follows_the_library(model: LoadedModel, length: int) -> None:
    assert ids(play(model, LONGER, GREEDY.changed(max_new_tokens=length))) == by_library(
        model, LONGER, max_new_tokens=length, do_sample=False
    )
    drawn = SAMPLED.changed(max_new_tokens=length, temperature=0.8, seed=9)
    wanted = by_library(model, LONGER, seed=9, max_new_tokens=length, do_sample=True, top_k=0, temperature=0.8)
    assert ids(play(model, LONGER, drawn)) == wanted


def test_sequences_are_those_that_would_have_come_alone(model: LoadedModel) -> None:
    """Row i is the run with seed + i, though rows end at different places and leave the batch."""
    alone = [play(model, settings=SAMPLED.changed(seed=5 + i, max_new_tokens=20)) for i in range(4)]
    stops = (ids(alone[0])[3], ids(alone[2])[9])
    settings = SAMPLED.changed(max_new_tokens=20, eos_token_id=stops)
    alone = [play(model, settings=settings.changed(seed=5 + i)) for i in range(4)]
    together = play(model, settings=settings.changed(num_return_sequences=4))
    assert [ids(together, i) for i in range(4)] == [ids(events) for events in alone]
    assert len({len(ids(events)) for events in alone}) > 1
    for row, events in zip(end(together).sequences, alone, strict=True):
        assert row.finish_reason == end(events).sequences[0].finish_reason
        assert row.logprobs == pytest.approx(end(events).sequences[0].logprobs, abs=1e-4)


class Broken:
    """While inside, the model's last layer fails after so many passes; the layer before has cached its part by then."""

    def __init__(self, model: LoadedModel, passes: int) -> None:
        stacks = (part for part in model.model.modules() if isinstance(part, torch.nn.ModuleList) and len(part) == 2)
        self._layer, self._left = next(stacks)[-1], passes

    def __enter__(self) -> None:
        self._handle = self._layer.register_forward_pre_hook(self._fail)

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _fail(self, *_: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("no more\nof this")


@pytest.mark.parametrize("passes", [0, 1, 4])
def test_a_failure_inside_a_pass_leaves_a_usable_runner(model: LoadedModel, passes: int) -> None:
    wanted = ids(play(model))
    model.runner.reset()
    with Broken(model, passes):
        events = play(model)
    failed = events[-1]
    assert isinstance(failed, Failed) and failed.error == "RuntimeError: no more of this"
    assert [len(sequence.token_ids) for sequence in failed.sequences] == [passes]
    assert ids(play(model)) == wanted
    assert ids(play(model, LONGER)) == by_library(model, LONGER, max_new_tokens=12, do_sample=False)


def test_a_runner_mends_itself(model: LoadedModel) -> None:
    """Also where nobody resets it."""
    runner = runner_for(model.model)
    runner.prefill(PROMPT)
    with Broken(model, 1), pytest.raises(RuntimeError):
        runner.step(torch.tensor([5]))
        runner.step(torch.tensor([6]))
    for text in ([*PROMPT, 5], LONGER):
        logits, _ = runner.prefill(text)
        check(model, runner, logits, [list(text)])


def test_the_cache_s_shape_is_told(gpt2: LoadedModel) -> None:
    events = play(gpt2, settings=SAMPLED.changed(num_return_sequences=3))
    shape = next(event.cache for event in events if isinstance(event, Prefilled))
    assert shape is not None
    assert (shape.layers, shape.rows, shape.heads, shape.tokens, shape.width) == (2, 3, 2, len(PROMPT), 8)
    assert shape.bytes == 2 * 2 * 3 * 2 * len(PROMPT) * 8 * 4
    gpt2.runner.reset()
    assert gpt2.runner.cache_shape() is None
    assert tiny_openai_gpt().runner.cache_shape() is None


def test_drawn_passes_over_the_draws_of_a_run_before(gpt2: LoadedModel) -> None:
    found = ids(play(gpt2, settings=SAMPLED))
    rest = list(engine.generate(gpt2, [*PROMPT, *found[:5]], SAMPLED.changed(max_new_tokens=7), drawn=5))
    assert ids(rest) == found[5:]
    assert end(rest).sequences[0].drawn == 12


def test_a_prompt_can_grow_piece_by_piece(model: LoadedModel) -> None:
    """Each prompt goes on where the one before ended, several ids at a time, also past a window."""
    runner = runner_for(model.model)
    for text in (PROMPT, LONGER, LONGER * 2, LONGER * 4):
        logits, _ = runner.prefill(text)
        check(model, runner, logits, [list(text)])
