"""The runner with a memory: equal to a pass over everything whatever happened before, at a constant cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import engine
from engine.controls import Controls
from engine.runner.memory import MemoryRunner
from engine.settings import Settings
from tests.engine.transfo_xl.tiny import TEXT, loaded, model
from tests.models import by_library, counted, end, ids, play

CLOSE: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-4}
GREEDY = Settings(strategy="greedy", max_new_tokens=12)


@pytest.fixture
def runner() -> MemoryRunner:
    return MemoryRunner(model())


def check(runner: MemoryRunner, logits: torch.Tensor, rows: list[list[int]]) -> None:
    assert runner.ids.tolist() == rows
    assert logits.dtype == torch.float32
    with torch.inference_mode():
        wanted = runner.model(torch.tensor(rows)).logits[:, -1].float()
    torch.testing.assert_close(logits, wanted, **CLOSE)


def stepped(runner: MemoryRunner, rows: list[list[int]], *tokens: int) -> list[list[int]]:
    """The rows one id longer, checked."""
    rows = [[*row, token] for row, token in zip(rows, tokens, strict=True)]
    check(runner, runner.step(torch.tensor(tokens)), rows)
    return rows


def test_prefill_and_steps_equal_one_pass(runner: MemoryRunner) -> None:
    logits, reused = runner.prefill(TEXT)
    check(runner, logits, [list(TEXT)])
    assert reused == 0
    rows = [list(TEXT)]
    for token in (1, 2, 3, 39, 5, 6, 7, 8):
        rows = stepped(runner, rows, token)


def test_rows_part_and_drop_out(runner: MemoryRunner) -> None:
    check(runner, runner.prefill(TEXT, 3)[0], [list(TEXT)] * 3)
    rows = stepped(runner, [list(TEXT)] * 3, 1, 2, 3)
    runner.fork([2, 0])
    rows = stepped(runner, [rows[2], rows[0]], 4, 5)
    runner.fork([1, 1, 0])
    stepped(runner, [rows[1], rows[1], rows[0]], 6, 7, 8)


@pytest.mark.parametrize("length", [0, 1, 7, len(TEXT), len(TEXT) + 2, len(TEXT) + 9])
@pytest.mark.parametrize("fork_first", [True, False])
def test_rewind_and_go_on(runner: MemoryRunner, length: int, fork_first: bool) -> None:
    runner.prefill(TEXT, 2)
    rows = stepped(runner, [list(TEXT)] * 2, 1, 2)
    rows = stepped(runner, rows, 3, 4)
    rows = stepped(runner, rows, 5, 6)
    with counted_runner(runner) as widths:
        runner.rewind(length)
        if fork_first:
            runner.fork([1, 0])
            rows = rows[::-1]
        assert widths == []  # computed when it is needed
    rows = stepped(runner, [row[:length] for row in rows], 9, 9)
    runner.fork([1])
    stepped(runner, [rows[1]], 10)


def counted_runner(runner: MemoryRunner) -> Any:
    return counted(type("Holder", (), {"model": runner.model})())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("second", "reused"),
    [
        (TEXT, len(TEXT)),
        (TEXT[:5], 0),
        ((*TEXT, 1, 3, 9), len(TEXT) + 2),
        ((*TEXT, 2, 4, 9, 8), len(TEXT) + 2),
        ((*TEXT, 1, 3), len(TEXT)),
        ((*TEXT, 7), len(TEXT)),
        ((30, *TEXT), 0),
    ],
    ids=["same", "shorter", "beyond a row", "beyond another", "as a row", "beyond the prompt", "other"],
)
def test_a_second_prompt_after_a_run(runner: MemoryRunner, second: tuple[int, ...], reused: int) -> None:
    first, _ = runner.prefill(TEXT, 2)
    rows = stepped(runner, [list(TEXT)] * 2, 1, 2)
    stepped(runner, rows, 3, 4)
    logits, kept = runner.prefill(second, 3)
    check(runner, logits, [list(second)] * 3)
    assert kept == reused
    if second == TEXT:
        assert torch.equal(logits[:2], first)
    stepped(runner, [list(second)] * 3, 5, 6, 7)


def test_a_stale_memory_is_not_taken_for_a_fresh_one(runner: MemoryRunner) -> None:
    runner.prefill(TEXT[:4])
    runner.step(torch.tensor([5]))
    runner.rewind(3)
    logits, kept = runner.prefill([*TEXT[:3], 8, 9])
    check(runner, logits, [[*TEXT[:3], 8, 9]])
    assert kept == 0


def test_a_long_text_is_seen_in_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runner.memory._SEGMENT", 4)
    runner = MemoryRunner(model(mem_len=3))
    with counted_runner(runner) as widths:
        logits, _ = runner.prefill(TEXT)
    assert widths == [4, 4, 4]
    check(runner, logits, [list(TEXT)])


def test_where_the_first_pass_sees_further_a_way_back_repeats_it() -> None:
    """Without `same_length` the passes matter: the memory after a way back is the one that was there."""
    runner = MemoryRunner(model(same_length=False))
    runner.prefill(TEXT)
    kept = [runner.step(torch.tensor([token])) for token in (1, 2, 3)]
    runner.rewind(len(TEXT) + 1)
    torch.testing.assert_close(runner.step(torch.tensor([2])), kept[1])
    torch.testing.assert_close(runner.step(torch.tensor([3])), kept[2])
    longer, reused = runner.prefill([*TEXT, 1, 2, 3, 4])
    assert reused == 0
    check(runner, longer, [[*TEXT, 1, 2, 3, 4]])


def test_a_failure_leaves_nothing_half_seen(runner: MemoryRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.prefill(TEXT)
    layer = runner.model.transformer.layers[1]
    monkeypatch.setattr(layer, "forward", lambda *_: (_ for _ in ()).throw(RuntimeError("no room")))
    with pytest.raises(RuntimeError):
        runner.step(torch.tensor([1]))
    assert (runner.length, runner.cache_shape()) == (0, None)
    monkeypatch.undo()
    check(runner, runner.prefill(TEXT)[0], [list(TEXT)])


def test_the_memory_has_a_shape_that_does_not_grow(runner: MemoryRunner) -> None:
    assert runner.cache_shape() is None
    runner.prefill(TEXT, 2)
    shape = runner.cache_shape()
    assert shape is not None
    assert (shape.layers, shape.rows, shape.heads, shape.tokens, shape.width) == (2, 2, 1, 6, 12)
    assert shape.bytes == 2 * 2 * 6 * 12 * 8
    for token in range(20):
        runner.step(torch.tensor([token, token]))
    assert runner.cache_shape() == shape


def test_a_step_costs_the_same_at_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One position a step goes through the model, and attention looks at the memory and no further."""
    monkeypatch.setattr("engine.families.transfo_xl.model.KEPT_FROM", 1)
    ready = loaded(model(), tmp_path)
    seen: list[tuple[int, ...]] = []
    for layer in ready.model.transformer.layers:
        layer.dec_attn.qkv_net.register_forward_hook(lambda _m, given, _o: seen.append(tuple(given[0].shape)))
        layer.dec_attn.r_net.register_forward_hook(lambda _m, given, _o: seen.append(tuple(given[0].shape)))
    with counted(ready) as widths:
        events = play(ready, TEXT, Settings(max_new_tokens=300, seed=3, top_p=1.0, eos_token_id=None))
    made = len(ids(events))
    assert widths == [len(TEXT)] + [1] * (made - 1)
    assert set(seen[4:]) == {(1, 1, 12), (7, 12)}


@pytest.mark.parametrize("sampled", [True, False])
def test_generation_gives_the_library_s_tokens(sampled: bool, tmp_path: Path) -> None:
    ready = loaded(model(torch.float32), tmp_path)
    options: dict[str, Any] = {"max_new_tokens": 12, "do_sample": sampled, "top_k": 0}
    settings = Settings(max_new_tokens=12, top_p=1.0, seed=42) if sampled else GREEDY
    assert ids(play(ready, TEXT, settings)) == by_library(ready, TEXT, **options)


def test_several_sequences_are_those_that_come_alone(tmp_path: Path) -> None:
    ready = loaded(model(torch.float32), tmp_path)
    settings = Settings(max_new_tokens=8, top_p=1.0, seed=5, num_return_sequences=3)
    together = play(ready, TEXT, settings)
    for number in range(3):
        ready.runner.reset()
        alone = play(ready, TEXT, settings.changed(num_return_sequences=1, seed=5 + number))
        assert ids(together, number) == ids(alone)


def test_text_in_text_out(tmp_path: Path) -> None:
    ready = loaded(model(torch.float32), tmp_path)
    events = list(engine.generate(ready, "the old river", GREEDY, Controls()))
    prepared = events[0]
    assert prepared.notes[0].code == "padding-text"  # type: ignore[union-attr]
    text = end(events).sequences[0].text
    assert "lighthouse" not in text
    assert text
