"""Assisted decoding: the text of greedy and sampling, in fewer passes, whatever drafts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import engine
from engine import Controls, SettingError, Settings
from engine.events import Changed, Drafted, Event, Failed, Finished, Paused, Token
from engine.models.loaded import LoadedModel
from engine.runner import RecomputeRunner, runner_for
from engine.session.lines import as_lines
from engine.strategies.assisted.lookup import Lookup
from tests.models import (
    PROMPT,
    VOCABULARY,
    by_library,
    counted,
    end,
    ids,
    loaded,
    metaspace_tokenizer,
    play,
    saved,
    tiny_gpt2,
    tiny_mistral,
    tiny_openai_gpt,
)

REPETITIVE = [*PROMPT, 9, 20, *PROMPT, 9, 20, *PROMPT]
ASSISTED = Settings(strategy="assisted", top_p=1.0, max_new_tokens=30, seed=5)
MAKERS: dict[str, Callable[[], LoadedModel]] = {
    "gpt2": tiny_gpt2,
    "a window": tiny_mistral,
    "no window": lambda: tiny_mistral(None),
    "openai-gpt": tiny_openai_gpt,
}


def drafts(events: list[Event]) -> list[Drafted]:
    return [event for event in events if isinstance(event, Drafted)]


def plainly(settings: Settings) -> Settings:
    """The same without a draft."""
    return settings.changed(strategy="sample" if settings.draws else "greedy")


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny model with its weights a little off, which is often right about it."""
    model = tiny_gpt2()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        for weights in model.model.parameters():
            weights.mul_(1 + 0.05 * torch.randn_like(weights))
    return str(saved(model, tmp_path_factory.mktemp("assistant")))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An assistant with a tokenizer of another kind."""
    tokenizer = metaspace_tokenizer()
    config = GPT2Config(n_layer=1, n_embd=16, n_head=2, n_positions=256, vocab_size=len(tokenizer))
    return str(saved(loaded(GPT2LMHeadModel(config), tokenizer), tmp_path_factory.mktemp("stranger")))


@pytest.mark.parametrize("options", [{"do_sample": False}, {}, {"temperature": 0.3, "repetition_penalty": 1.2}])
@pytest.mark.parametrize("kind", MAKERS)
def test_the_text_is_that_of_plain_decoding(kind: str, options: dict[str, Any]) -> None:
    model = MAKERS[kind]()
    settings = ASSISTED.changed(**options)
    for draft in ({"max_matching_ngram_size": 1}, {"prompt_lookup_num_tokens": 3}, {"assistant_early_exit": 1}):
        events = play(model, REPETITIVE, settings.changed(**draft))
        plain = play(model, REPETITIVE, plainly(settings))
        assert ids(events) == ids(plain)
        assert end(events).sequences[0].text == end(plain).sequences[0].text
        assert end(events).sequences[0].drawn == end(plain).sequences[0].drawn
        assert end(events).sequences[0].logprobs == pytest.approx(end(plain).sequences[0].logprobs, abs=1e-3)


@pytest.mark.parametrize("schedule", ["constant", "heuristic", "heuristic_transient"])
@pytest.mark.parametrize("threshold", [0.0, 0.4])
def test_an_assistant_changes_nothing_but_the_passes(
    gpt2: LoadedModel, assistant: str, schedule: str, threshold: float
) -> None:
    settings = ASSISTED.changed(
        assistant_model=assistant,
        num_assistant_tokens=4,
        num_assistant_tokens_schedule=schedule,
        assistant_confidence_threshold=threshold,
    )
    for drawn in (False, True):
        asked = settings.changed(do_sample=drawn)
        events = play(gpt2, settings=asked)
        assert ids(events) == ids(play(gpt2, settings=plainly(asked)))
        assert drafts(events) and {event.source for event in drafts(events)} == {assistant}


def test_an_assistant_is_loaded_once_and_its_guesses_save_passes(assistant: str) -> None:
    model = tiny_gpt2()
    assert model.runner.length == 0  # which runner fits is found by a pass
    settings = ASSISTED.changed(assistant_model=assistant, num_assistant_tokens=4, do_sample=False)
    settings = settings.changed(assistant_confidence_threshold=0)
    with counted(model) as widths:
        events = play(model, settings=settings)
    accepted = sum(event.accepted for event in drafts(events))
    assert accepted >= 5
    assert len(widths) == len(ids(events)) - accepted
    kept = model.drafting[assistant]
    play(model, settings=settings)
    assert model.drafting[assistant] is kept


def test_the_heuristic_goes_on_in_the_next_run_and_the_transient_one_does_not(assistant: str) -> None:
    for schedule, same in (("heuristic", False), ("heuristic_transient", True)):
        model = tiny_gpt2()
        settings = ASSISTED.changed(assistant_model=assistant, num_assistant_tokens=6, do_sample=False)
        settings = settings.changed(assistant_confidence_threshold=0, num_assistant_tokens_schedule=schedule)
        first, second = play(model, settings=settings), play(model, settings=settings)
        lengths = [len(drafts(events)[0].ids) for events in (first, second)]
        assert lengths[0] == 6 and (lengths[1] == 6) is same
        assert ids(first) == ids(second)


def test_an_assistant_with_another_tokenizer(gpt2: LoadedModel, stranger: str) -> None:
    settings = ASSISTED.changed(assistant_model=stranger, assistant_confidence_threshold=0, num_assistant_tokens=3)
    for options in ({}, {"assistant_lookbehind": 0}, {"target_lookbehind": 0}, {"do_sample": False}):
        asked = settings.changed(**options)
        events = play(gpt2, "the old river", asked)
        assert ids(events) == ids(play(gpt2, "the old river", plainly(asked)))
        assert drafts(events)
        assert all(token < VOCABULARY for event in drafts(events) for token in event.ids)


def test_a_draft_in_other_tokens_says_the_same_text(gpt2: LoadedModel, stranger: str) -> None:
    """What the assistant writes comes back as the model's own tokens of that text."""
    play(gpt2, "the old river", ASSISTED.changed(assistant_model=stranger))
    translated = gpt2.drafting[stranger]
    text = gpt2.tokenizer.encode("the old river")
    for added in (" the", "s", ", the old", " é"):
        assert gpt2.tokenizer.decode([*text, *translated._targets(text, added, 10)]) == "the old river" + added


def test_the_library_gives_the_same(gpt2: LoadedModel, assistant: str) -> None:
    helper = engine.load(assistant, device="cpu")
    wanted = by_library(gpt2, max_new_tokens=30, do_sample=False, assistant_model=helper.model)
    assert ids(play(gpt2, settings=ASSISTED.changed(assistant_model=assistant, do_sample=False))) == wanted
    given = {"max_new_tokens": 30, "do_sample": False, "prompt_lookup_num_tokens": 4}
    wanted = by_library(gpt2, REPETITIVE, **given)
    assert ids(play(gpt2, REPETITIVE, Settings.from_generation_config(given))) == wanted


@pytest.mark.parametrize("kind", MAKERS)
def test_extending_equals_stepping(kind: str) -> None:
    model = MAKERS[kind]()
    one, many = runner_for(model.model), runner_for(model.model)
    one.prefill(PROMPT)
    many.prefill(PROMPT)
    new = [5, 17, 290, 8]
    with counted(model) as widths:
        wide = torch.cat(list(many.extend(torch.tensor(new))))
    assert widths == ([1] * 4 if kind == "a window" else [4])
    narrow = torch.cat([one.step(torch.tensor([token])) for token in new])
    torch.testing.assert_close(wide, narrow, atol=1e-4, rtol=1e-4)
    assert many.ids.tolist() == one.ids.tolist()
    for runner in (one, many):
        runner.rewind(len(PROMPT) + 2)
    torch.testing.assert_close(many.step(torch.tensor([9])), one.step(torch.tensor([9])), atol=1e-4, rtol=1e-4)


def test_without_a_cache_nothing_is_seen_that_is_not_asked_for(gpt2: LoadedModel) -> None:
    runner = RecomputeRunner(gpt2.model)
    runner.prefill(PROMPT)
    with counted(gpt2) as widths:
        list(islice(runner.extend(torch.tensor([1, 2, 3, 4])), 2))
    assert widths == [len(PROMPT) + 1, len(PROMPT) + 2]
    assert runner.length == len(PROMPT) + 2


def test_lookup_finds_the_latest_and_longest() -> None:
    lookup = Lookup()
    settings = Settings(prompt_lookup_num_tokens=3, max_matching_ngram_size=2)
    assert lookup.propose([1, 2, 9, 7, 1, 2, 3, 4, 5, 1, 2], 99, settings) == [3, 4, 5]
    assert lookup.propose([1, 2, 3, 4, 2], 99, settings) == [3, 4, 2]
    assert lookup.propose([1, 2, 3, 4, 1, 2], 1, settings) == [3]
    assert lookup.propose([1, 2, 3], 99, settings) == lookup.propose([1], 99, settings) == []
    assert lookup.propose([1, 2, 1, 2], 0, settings) == []
    assert lookup.propose([4, 4, 4], 99, settings) == [4]


def test_changes_pauses_and_stops_between_drafted_tokens(assistant: str) -> None:
    model = tiny_gpt2()
    settings = ASSISTED.changed(assistant_model=assistant, num_assistant_tokens=9, do_sample=False)
    settings = settings.changed(assistant_confidence_threshold=0)
    whole = play(model, settings=settings)
    lucky = next(event for event in drafts(whole) if event.accepted >= 2)
    at = lucky.index + 1  # the draft that holds this token has been seen already
    change: dict[int, dict[str, Any]] = {at: {"do_sample": True, "temperature": 3.0}}
    events = play(model, settings=settings, controls=Controls(schedule=change))
    # Plain decoding changes its strategy by name; its random stream begins with the first draw too.
    named: dict[int, dict[str, Any]] = {at: {"strategy": "sample", "temperature": 3.0}}
    plain = play(model, settings=plainly(settings), controls=Controls(schedule=named))
    assert ids(events) == ids(plain) != ids(whole)
    assert [event.at for event in events if isinstance(event, Changed)] == [at, at]

    controls = Controls()
    run = engine.generate(model, PROMPT, settings, controls)
    told: list[Event] = []
    for event in run:
        told.append(event)
        if isinstance(event, Token) and event.index == at - 1:
            controls.pause()
            with counted(model) as widths:
                assert list(islice(run, 3)) == [Paused(at)] * 3
            assert widths == []
            controls.step()
            told.append(next(run))
            assert next(run) == Paused(at + 1)
            controls.stop()
    assert ids(told) == ids(whole)[: at + 1]
    assert end(told).sequences[0].finish_reason == "cancelled"
    assert drafts(told)[-1].accepted == 2
    assert ids(play(model, settings=settings)) == ids(whole)


def test_ends_within_a_draft(gpt2: LoadedModel) -> None:
    settings = ASSISTED.changed(assistant_early_exit=1, temperature=0.3)
    whole = end(play(gpt2, settings=settings)).sequences[0]
    for place in (3, 8, 15):
        for ending in ({"eos_token_id": whole.token_ids[place]}, {"max_new_tokens": place}):
            asked = settings.changed(**ending)
            found, plain = (end(play(gpt2, settings=one)).sequences[0] for one in (asked, plainly(asked)))
            assert (found.token_ids, found.finish_reason) == (plain.token_ids, plain.finish_reason)
    stop = settings.changed(stop_token=whole.text[9:12])
    assert end(play(gpt2, settings=stop)).sequences[0].text == end(play(gpt2, settings=plainly(stop))).sequences[0].text
    full = settings.changed(max_new_tokens=-1)
    assert len(ids(play(gpt2, settings=full))) == 64 - len(PROMPT)
    timed = play(gpt2, settings=settings.changed(max_time=1e-9))
    assert end(timed).sequences[0].finish_reason == "time" and len(ids(timed)) == 1


def test_an_early_exit_leaves_the_model_whole() -> None:
    model = tiny_gpt2()
    layers, plain = model.model.transformer.h, ids(play(model, settings=plainly(ASSISTED)))
    block = layers[0]

    def fail(*_: Any) -> None:
        if len(model.model.transformer.h) == 1:
            raise RuntimeError("no more of this")

    handle = block.register_forward_pre_hook(fail)
    events = play(model, settings=ASSISTED.changed(assistant_early_exit=1))
    handle.remove()
    assert isinstance(events[-1], Failed)
    assert model.model.transformer.h is layers and model.model.config.n_layer == 2
    assert ids(play(model, settings=plainly(ASSISTED))) == plain


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"assistant_early_exit": 2}, "this model has 2 layers"),
        ({"assistant_model": "./nowhere"}, "no such file or folder"),
    ],
)
def test_what_cannot_draft_is_told_in_one_line(gpt2: LoadedModel, names: dict[str, Any], said: str) -> None:
    failed = play(gpt2, settings=ASSISTED.changed(**names))[-1]
    assert isinstance(failed, Failed) and said in failed.error and "\n" not in failed.error


def test_a_drafted_round_is_a_line_of_the_transcript() -> None:
    ((name, fields),) = as_lines(Drafted(3, (1, 2), ("a", "b"), 1, "prompt lookup"))
    assert name == "drafted" and fields["accepted"] == 1 and fields["ids"] == [1, 2] and fields["index"] == 3


@pytest.mark.parametrize(
    "config",
    [
        {"prompt_lookup_num_tokens": 3},
        {"assistant_model": "x", "do_sample": True},
        {"assistant_early_exit": 1, "dola_layers": "low"},
    ],
)
def test_the_strategy_follows_from_the_names(config: dict[str, Any]) -> None:
    settings = Settings.from_generation_config(config)
    assert settings.strategy == "assisted"
    assert settings.draws == config.get("do_sample", False)
    assert Settings.from_generation_config({**config, "num_beams": 2}).strategy.startswith("beam")


def test_several_sequences_are_refused() -> None:
    with pytest.raises(SettingError, match="assisted gives one sequence"):
        ASSISTED.changed(num_return_sequences=2)


def test_drawing_keeps_the_model_s_distribution() -> None:
    """Pairs of tokens over many seeds against what the model gives them (chi-square, bound at p = 0.001)."""
    config = GPT2Config(n_layer=2, n_embd=8, n_head=2, n_positions=16, vocab_size=4, initializer_range=0.2)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = loaded(GPT2LMHeadModel(config))
    prompt, runs = [1, 2, 3, 1, 2], 1200
    with torch.inference_mode():
        first = model.model(torch.tensor([prompt])).logits[0, -1].softmax(-1)
        after = model.model(torch.tensor([[*prompt, token] for token in range(4)])).logits[:, -1].softmax(-1)
    expected = (first[:, None] * after * runs).flatten()
    seen = torch.zeros(16)
    accepted = 0
    for seed in range(runs):
        settings = ASSISTED.changed(seed=seed, max_new_tokens=3, assistant_early_exit=1, eos_token_id=())
        events = play(model, prompt, settings.changed(assistant_confidence_threshold=0))
        assert isinstance(events[-1], Finished)
        one, two = ids(events)[:2]
        seen[4 * one + two] += 1
        accepted += sum(event.accepted for event in drafts(events))
    assert expected.min() >= 5 and accepted > runs / 5
    assert float(((seen - expected) ** 2 / expected).sum()) < 37.7  # 15 degrees of freedom


def test_the_folder_of_an_assistant_may_be_anywhere(gpt2: LoadedModel, assistant: str, tmp_path: Path) -> None:
    other = tmp_path / "with a space"
    other.symlink_to(assistant)
    events = play(gpt2, settings=ASSISTED.changed(assistant_model=str(other)))
    assert ids(events) == ids(play(gpt2, settings=plainly(ASSISTED)))
