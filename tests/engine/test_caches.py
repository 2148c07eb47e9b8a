"""The library's caches under its own names: the same tokens as ever, whatever rewinds, forks and goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import cache_utils

from engine import Settings
from engine.events import Failed, Prefilled, Prepared
from engine.models.loaded import LoadedModel
from engine.runner import CachedRunner, RecomputeRunner
from engine.runner.caches import CachePlan
from engine.settings.cache import CACHES
from tests.models import (
    PROMPT,
    by_library,
    counted,
    end,
    golden_model,
    ids,
    play,
    tiny_gpt2,
    tiny_mistral,
    tiny_openai_gpt,
)
from tests.paths import needs_golden

LOSSLESS: list[dict[str, Any]] = [
    {"use_cache": False},
    {"cache_implementation": "static"},
    {"cache_implementation": "static", "max_cache_len": 3, "prefill_chunk_size": 1},
    {"cache_implementation": "offloaded_static"},
    {"prefill_chunk_size": 2},
]
WAYS: list[dict[str, Any]] = [
    {"strategy": "greedy"},
    {"strategy": "sample", "num_return_sequences": 3},
    {"strategy": "beam", "num_beams": 3},
    {"strategy": "contrastive", "top_k": 4},
    {"strategy": "assisted"},
    {"strategy": "dola"},
    {"strategy": "sample", "guidance_scale": 1.5},
    {"strategy": "greedy", "context_window": 16, "overflow": "slide"},
]


# The one kind of quantized cache that needs no package of its own; the oldest releases have none.
HAS_FP8 = hasattr(cache_utils, "Fp8QuantizedLayer")


def quantized() -> dict[str, Any]:
    """Made anew each time: the library puts more into what it is given."""
    return {"cache_implementation": "quantized", "cache_config": {"backend": "fp8"}}


def all_ids(model: LoadedModel, settings: Settings, prompt: Any = PROMPT) -> list[tuple[int, ...]]:
    return [sequence.token_ids for sequence in end(play(model, prompt, settings)).sequences]


def notes(model: LoadedModel, **names: Any) -> list[str]:
    ready = play(model, PROMPT, Settings(max_new_tokens=2, **names))[0]
    assert isinstance(ready, Prepared)
    return [note.text for note in ready.notes]


@pytest.mark.parametrize("make", [tiny_gpt2, tiny_mistral, tiny_openai_gpt])
def test_no_cache_changes_a_token(make: Callable[[], LoadedModel]) -> None:
    model = make()
    for way in WAYS:
        wanted = Settings(max_new_tokens=25, top_p=1.0, **way)
        plain = all_ids(model, wanted)
        for cache in LOSSLESS:
            assert all_ids(model, wanted.changed(**cache)) == plain, (way, cache)


@needs_golden
@pytest.mark.parametrize("name", ["gpt2", "llama", "ctrl", "xlnet", "xlm", "transfo-xl"])
def test_no_cache_changes_a_token_of_a_whole_family(name: str) -> None:
    model = golden_model(name)
    prompt = model.tokenizer.encode("The old man", add_special_tokens=False)
    for strategy in ("greedy", "beam"):
        wanted = Settings(strategy=strategy, max_new_tokens=10)
        plain = all_ids(model, wanted, prompt)
        for cache in LOSSLESS:
            assert all_ids(model, wanted.changed(**cache), prompt) == plain, cache
    if name in ("gpt2", "llama"):
        for cache in (LOSSLESS[1], LOSSLESS[4], *([quantized()] if HAS_FP8 else [])):
            settings = Settings(strategy="greedy", max_new_tokens=10, eos_token_id=(), **cache)
            theirs = by_library(model, prompt, max_new_tokens=10, eos_token_id=None, do_sample=False, **cache)
            assert all_ids(model, settings, prompt) == [tuple(theirs)], cache
        model.runner.use(CachePlan())  # type: ignore[attr-defined]  # others share this model


@pytest.mark.parametrize("plan", [CachePlan("static"), CachePlan("static", capacity=4), CachePlan(chunk=3)])
@pytest.mark.parametrize("make", [tiny_gpt2, tiny_mistral])
@torch.inference_mode()
def test_a_runner_stays_right_whatever_happens_to_it(make: Callable[[], LoadedModel], plan: CachePlan) -> None:
    model = make()
    runner = CachedRunner(model.model, plan)

    def check(logits: torch.Tensor, rows: list[list[int]]) -> None:
        assert runner.ids.tolist() == rows
        whole = model.model(input_ids=torch.tensor(rows), use_cache=False).logits[:, -1].float()
        torch.testing.assert_close(logits, whole, atol=1e-4, rtol=1e-4)

    text = list(PROMPT)
    check(runner.prefill(text, 2)[0], [text, text])
    check(runner.step(torch.tensor([5, 6])), [[*text, 5], [*text, 6]])
    runner.fork([1, 0, 1])
    rows = [[*text, 6, 1], [*text, 5, 2], [*text, 6, 3]]
    check(runner.step(torch.tensor([1, 2, 3])), rows)
    runner.rewind(len(text) - 1)
    check(runner.step(torch.tensor([9, 8, 7])), [[*text[:-1], token] for token in (9, 8, 7)])
    longer = [*text[:-1], 8, *range(20, 50)]
    check(runner.prefill(longer)[0], [longer])
    for given in ([7, 8, 9, 10], [11]):
        *_, last = runner.extend(torch.tensor(given))
        longer += given
        check(last, [longer])
    check(runner.prefill(longer)[0], [longer])


def test_a_prompt_in_chunks_goes_through_in_chunks(gpt2: LoadedModel) -> None:
    with counted(gpt2) as widths:
        first = play(gpt2, PROMPT, Settings(max_new_tokens=2, prefill_chunk_size=4))
        second = play(gpt2, PROMPT, Settings(max_new_tokens=2, prefill_chunk_size=4))
    assert widths == [4, 2, 1, 1] and ids(first) == ids(second)
    assert next(event.reused for event in second if isinstance(event, Prefilled)) == len(PROMPT)


def test_without_a_cache_nothing_is_kept(gpt2: LoadedModel) -> None:
    with counted(gpt2) as widths:
        events = play(gpt2, PROMPT, Settings(strategy="greedy", max_new_tokens=3, use_cache=False))
    assert widths == [6, 7, 8]
    assert next(event.cache for event in events if isinstance(event, Prefilled)) is None
    assert isinstance(gpt2.runner, CachedRunner) and not isinstance(gpt2.runner, RecomputeRunner)


@pytest.mark.skipif(not HAS_FP8, reason="this release has no quantized cache of its own")
def test_a_quantized_cache_is_that_of_a_fresh_run_each_time(gpt2: LoadedModel) -> None:
    """What it has lost stays lost, so that nothing of it is reused for a longer prompt."""
    settings = Settings(strategy="greedy", max_new_tokens=8, **quantized())
    first = ids(play(gpt2, PROMPT, settings))
    longer = [*PROMPT, *first]
    assert ids(play(gpt2, longer, settings)) == ids(play(tiny_gpt2(), longer, settings))
    assert first == by_library(tiny_gpt2(), max_new_tokens=8, do_sample=False, **quantized())


@pytest.mark.parametrize("kind", CACHES)
@pytest.mark.parametrize("make", [tiny_gpt2, tiny_openai_gpt])
def test_every_name_gives_a_run_and_what_cannot_be_is_said(make: Callable[[], LoadedModel], kind: str) -> None:
    told = notes(make(), cache_implementation=kind)
    assert len(told) == (kind not in ("dynamic", "static", "hybrid", "hybrid_chunked", "sliding_window") or (
        kind != "dynamic" and make is tiny_openai_gpt
    ))  # fmt: skip
    assert all(kind in text and "the cache is" in text for text in told)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"max_cache_len": 9}, "No effect with a dynamic cache: max_cache_len."),
        ({"cache_config": {"backend": "fp8"}}, "No effect with a dynamic cache: cache_config."),
        ({"use_cache": False, "prefill_chunk_size": 2}, "No effect: prefill_chunk_size; use_cache is off."),
    ],
)
def test_what_does_nothing_is_said(gpt2: LoadedModel, names: dict[str, Any], said: str) -> None:
    assert notes(gpt2, **names) == [said]


@pytest.mark.parametrize("options", [{"backend": "no such"}, {"backend": "fp8", "nbits": 4}, {"colour": "red"}])
def test_options_that_no_cache_takes_are_refused_in_a_line(gpt2: LoadedModel, options: dict[str, Any]) -> None:
    settings = Settings(cache_implementation="quantized", cache_config=options)  # type: ignore[arg-type]
    last = play(gpt2, PROMPT, settings)[-1]
    assert isinstance(last, Failed) and last.error.startswith("cache_config: ") and "Error" not in last.error
