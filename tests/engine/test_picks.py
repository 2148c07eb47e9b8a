"""Tokens that a person picks in the place of those that would have come, and tokens with their numbers."""

from __future__ import annotations

import math

import pytest
import torch

import engine
from engine import Controls, Settings
from engine.events import Failed, Looked, Token
from engine.models.loaded import LoadedModel
from tests.models import PROMPT, SAMPLED, ids, play, tiny_gpt2

ENDLESS = SAMPLED.changed(eos_token_id=())
SINGLE = {
    "greedy": ENDLESS.changed(strategy="greedy"),
    "sample": ENDLESS,
    "contrastive": ENDLESS.changed(strategy="contrastive"),
    "contrastive, one after the other": ENDLESS.changed(strategy="contrastive", low_memory=True),
    "dola": ENDLESS.changed(strategy="dola"),
    "assisted": ENDLESS.changed(strategy="assisted"),
}


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return tiny_gpt2()


def tokens(model: LoadedModel, prompt: tuple[int, ...], settings: Settings, controls: Controls) -> list[Token]:
    return [event for event in engine.generate(model, prompt, settings, controls) if isinstance(event, Token)]


@pytest.mark.parametrize("settings", SINGLE.values(), ids=SINGLE)
def test_a_picked_token_comes_where_it_was_picked(model: LoadedModel, settings: Settings) -> None:
    plain = ids(play(model, PROMPT, settings))
    picked = (plain[4] + 1) % 200
    told = tokens(model, PROMPT, settings, Controls(picks={4: picked}))
    assert [token.id for token in told][:5] == [*plain[:4], picked]
    assert [token.index for token in told if token.picked] == [4]
    # What follows is what a run writes that begins with it and whose stream has come as far.
    after = engine.generate(model, [*PROMPT, *plain[:4], picked], settings.changed(max_new_tokens=7), drawn=5)
    assert [token.id for token in told][5:] == [event.id for event in after if isinstance(event, Token)]


def test_its_log_probability_is_the_models_own_also_where_the_sampler_ruled_it_out(model: LoadedModel) -> None:
    unlikely = 150
    [first, *_] = tokens(model, PROMPT, SAMPLED.changed(top_k=1), Controls(picks={0: unlikely}))
    logits = model.model(torch.tensor([PROMPT])).logits[0, -1].detach()
    assert first.logprob == pytest.approx(float(logits.log_softmax(-1)[unlikely]), abs=1e-5)


def test_one_is_picked_while_the_run_is_held(model: LoadedModel) -> None:
    controls = Controls()
    controls.pause()
    run = engine.generate(model, PROMPT, SAMPLED, controls)
    told: list[int] = []
    for event in run:
        if isinstance(event, Token):
            told.append(event.id)
        if type(event).__name__ == "Paused":
            if len(told) == 3:
                controls.resume()
                continue
            controls.pick(100 + len(told))
            controls.step()
    assert told[:3] == [100, 101, 102] and len(told) == 12


def test_one_that_is_no_token_ends_the_run_by_a_line(model: LoadedModel) -> None:
    *_, last = engine.generate(model, PROMPT, SAMPLED, Controls(picks={2: 10_000}))
    assert isinstance(last, Failed) and "10000" in last.error and len(last.sequences[0].token_ids) == 2


def test_several_sequences_take_it_together(model: LoadedModel) -> None:
    told = tokens(model, PROMPT, SAMPLED.changed(num_return_sequences=3), Controls(picks={1: 77}))
    assert [token.id for token in told if token.index == 1] == [77] * 3


@pytest.mark.parametrize("settings", SINGLE.values(), ids=SINGLE)
def test_measured_tokens_have_their_numbers_in_the_models_own_distribution(
    model: LoadedModel, settings: Settings
) -> None:
    controls = Controls()
    controls.measuring = True
    told = tokens(model, PROMPT, settings.changed(temperature=0.5), controls)
    written: list[int] = []
    for token in told:
        logprobs = model.model(torch.tensor([[*PROMPT, *written]])).logits[0, -1].detach().double().log_softmax(-1)
        assert token.numbers is not None
        assert token.numbers.logprob == pytest.approx(float(logprobs[token.id]), abs=1e-4)
        assert token.numbers.rank == 1 + int((logprobs > logprobs[token.id]).sum())
        assert token.numbers.entropy == pytest.approx(float(-(logprobs.exp() * logprobs).sum() / math.log(2)), abs=1e-4)
        written.append(token.id)
    assert written == ids(play(model, PROMPT, settings.changed(temperature=0.5))), "to measure changes nothing"


def test_without_measuring_there_are_none(model: LoadedModel) -> None:
    assert all(token.numbers is None for token in tokens(model, PROMPT, SAMPLED, Controls()))


@pytest.mark.parametrize("settings", SINGLE.values(), ids=SINGLE)
def test_a_step_that_is_looked_at_is_told_stage_by_stage(model: LoadedModel, settings: Settings) -> None:
    settings = settings.changed(temperature=0.7, top_k=9)
    controls = Controls()
    looked: dict[int, Looked] = {}
    written: list[int] = []
    for event in engine.generate(model, PROMPT, settings, controls):
        if isinstance(event, Token):
            written.append(event.id)
            if event.index % 3 == 1:
                controls.looking = 0
        elif isinstance(event, Looked):
            looked[event.index] = event
    assert list(looked) == [2, 5, 8, 11]
    for index, event in looked.items():
        stages = {stage.name: stage for stage in event.weighing.stages}
        assert event.weighing.chosen == written[index]
        if settings.strategy != "dola":  # there the first stage is what the layers say against each other
            logits = model.model(torch.tensor([[*PROMPT, *written[:index]]])).logits[0, -1].detach().double()
            raw = torch.softmax(logits, dim=-1)
            shown = [float(raw[token]) for token in event.weighing.ids]
            assert stages["raw"].probabilities == pytest.approx(shown, abs=1e-5)
            assert stages["raw"].probability == pytest.approx(float(raw[written[index]]), abs=1e-5)
            if settings.draws:
                warm = torch.softmax(logits / 0.7, dim=-1)
                shown = [float(warm[token]) for token in event.weighing.ids]
                assert stages["temperature"].probabilities == pytest.approx(shown, abs=1e-5)
        if settings.draws:
            assert stages["top_k"].left <= 9 and list(stages)[:3] == ["raw", "temperature", "top_k"]
    assert written == ids(play(model, PROMPT, settings)), "to look changes nothing"
