"""Settings that change while a run goes on: exactly from the wanted token on, and told before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from transformers import (
    EtaLogitsWarper,
    LogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

import engine
from engine import Controls, Settings
from engine.events import Changed, Event, Token
from engine.models.loaded import LoadedModel
from tests.models import GREEDY, PROMPT, SAMPLED, end, ids, play

LONG = SAMPLED.changed(max_new_tokens=16)
CHANGES: dict[str, dict[str, Any]] = {
    "temperature": {"temperature": 0.4},
    "top-k": {"top_k": 3},
    "top-p": {"top_p": 0.5},
    "min-p": {"min_p": 0.2},
    "typical-p": {"typical_p": 0.3},
    "eta": {"eta_cutoff": 0.05},
    "repetition": {"repetition_penalty": 2.0, "no_repeat_ngram_size": 1},
    "strategy": {"strategy": "greedy"},
    "several": {"temperature": 1.8, "top_k": 20, "top_p": 0.9},
}


def library_processors(settings: Settings) -> Iterator[LogitsProcessor]:
    """The library's own, in the library's order; written out here once more, so that a wrong order is found."""
    if settings.repetition_penalty != 1:
        yield RepetitionPenaltyLogitsProcessor(settings.repetition_penalty)
    if settings.no_repeat_ngram_size:
        yield NoRepeatNGramLogitsProcessor(settings.no_repeat_ngram_size)
    if settings.strategy == "greedy":
        return
    if settings.temperature != 1:
        yield TemperatureLogitsWarper(settings.temperature)
    if settings.top_k:
        yield TopKLogitsWarper(settings.top_k)
    if settings.top_p < 1:
        yield TopPLogitsWarper(settings.top_p)
    if settings.min_p:
        yield MinPLogitsWarper(settings.min_p)
    if settings.typical_p < 1:
        yield TypicalLogitsWarper(settings.typical_p)
    if settings.eta_cutoff:
        yield EtaLogitsWarper(settings.eta_cutoff, device="cpu")


@torch.inference_mode()
def reference(model: LoadedModel, settings: Settings, changes: dict[int, dict[str, Any]], count: int = 16) -> list[int]:
    """Token by token, without a cache: the settings of a step are those of the changes up to it."""
    text = torch.tensor([PROMPT])
    stream = torch.Generator().manual_seed(settings.seed)
    for index in range(count):
        settings = settings.changed(**changes.get(index, {}))
        scores = model.model(input_ids=text).logits[:, -1]
        for processor in library_processors(settings):
            scores = processor(text, scores)
        if settings.strategy == "greedy":
            chosen = scores.argmax(dim=-1, keepdim=True)
        else:
            chosen = torch.multinomial(scores.softmax(dim=-1), 1, generator=stream)
        text = torch.cat([text, chosen], dim=1)
    return text[0, len(PROMPT) :].tolist()


def changed_by_hand(
    model: LoadedModel, settings: Settings, changes: dict[int, dict[str, Any]], controls: Controls
) -> list[Event]:
    """A consumer that changes settings as it gets the token before."""
    events = []
    for event in engine.generate(model, PROMPT, settings, controls):
        events.append(event)
        if isinstance(event, Token) and event.index + 1 in changes:
            controls.change(**changes[event.index + 1])
    return events


@pytest.mark.parametrize("at", [1, 7, 15])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_acts_from_its_token_on(gpt2: LoadedModel, name: str, at: int) -> None:
    wanted = reference(gpt2, LONG, {at: CHANGES[name]})
    assert wanted[:at] == reference(gpt2, LONG, {})[:at]
    by_hand = changed_by_hand(gpt2, LONG, {at: CHANGES[name]}, Controls())
    assert ids(by_hand) == wanted
    scheduled = play(gpt2, settings=LONG, controls=Controls(schedule={at: CHANGES[name]}))
    assert ids(scheduled) == wanted
    for events in (by_hand, scheduled):
        told = {event.name: event for event in events if isinstance(event, Changed)}
        assert told == {key: Changed(at, key, getattr(LONG, key), value) for key, value in CHANGES[name].items()}
        first = next(place for place, event in enumerate(events) if isinstance(event, Token) and event.index == at)
        assert all(isinstance(event, Changed) for event in events[first - len(told) : first])


def test_changes_really_change(gpt2: LoadedModel) -> None:
    """Without this the comparisons above might hold because nothing matters."""
    plain = reference(gpt2, LONG, {})
    assert sum(reference(gpt2, LONG, {1: change}) != plain for change in CHANGES.values()) >= len(CHANGES) - 1


def test_many_changes_and_back(gpt2: LoadedModel) -> None:
    changes: dict[int, dict[str, Any]] = {
        0: {"temperature": 3.0},
        4: {"strategy": "greedy"},
        7: {"strategy": "sample"},
        9: {"temperature": 1.0},
    }
    assert ids(play(gpt2, settings=LONG, controls=Controls(schedule=changes))) == reference(gpt2, LONG, changes)


def test_a_draw_is_the_same_after_a_detour(gpt2: LoadedModel) -> None:
    """The stream does not depend on the settings; greedy steps alone take nothing from it."""
    cold = {3: {"top_k": 1}, 4: {"top_k": 0}}
    found = ids(play(gpt2, settings=LONG, controls=Controls(schedule=cold)))
    assert found[:3] == ids(play(gpt2, settings=LONG))[:3]
    assert found == reference(gpt2, LONG, cold)


def test_a_change_before_the_start_acts_on_the_first_token(gpt2: LoadedModel) -> None:
    controls = Controls()
    controls.change(temperature=0.4)
    assert ids(play(gpt2, settings=LONG, controls=controls)) == reference(gpt2, LONG.changed(temperature=0.4), {})


def test_what_is_not_live_waits_for_the_next_run(gpt2: LoadedModel) -> None:
    plain = ids(play(gpt2, settings=LONG))
    later = {"seed": 1, "num_return_sequences": 3, "prefix": "x"}
    events = changed_by_hand(gpt2, LONG, {2: later}, controls := Controls())
    assert ids(events) == plain
    assert not [event for event in events if isinstance(event, Changed)]
    assert controls.settings is not None
    assert (controls.settings.seed, controls.settings.prefix) == (1, "x")


def test_the_length_can_grow_and_shrink(gpt2: LoadedModel) -> None:
    longest = ids(play(gpt2, settings=GREEDY.changed(max_new_tokens=30)))
    grown = changed_by_hand(gpt2, GREEDY.changed(max_new_tokens=5), {4: {"max_new_tokens": 20}}, Controls())
    assert ids(grown) == longest[:20]
    shrunk = changed_by_hand(gpt2, GREEDY.changed(max_new_tokens=20), {9: {"max_new_tokens": 4}}, Controls())
    assert ids(shrunk) == longest[:9]
    assert end(shrunk).sequences[0].finish_reason == "length"
    endless = changed_by_hand(gpt2, GREEDY.changed(max_new_tokens=5), {2: {"max_new_tokens": -1}}, Controls())
    assert len(ids(endless)) == 64 - len(PROMPT)


def test_a_stop_text_set_on_the_way_is_looked_for_from_there(gpt2: LoadedModel) -> None:
    plain = end(play(gpt2, settings=LONG)).sequences[0]
    pieces = [event.text for event in play(gpt2, settings=LONG) if isinstance(event, Token)]
    late = next(i for i, text in enumerate(pieces) if i > 5 and text and text not in "".join(pieces[:i]))
    events = changed_by_hand(gpt2, LONG, {3: {"stop_token": pieces[late]}}, Controls())
    assert ids(events) == list(plain.token_ids[: late + 1])
    assert end(events).sequences[0].finish_reason == "stop"
    assert end(events).sequences[0].text == "".join(pieces[:late])
    early = next(text for i, text in enumerate(pieces) if i < 5 and text and text not in "".join(pieces[i + 1 :]))
    events = changed_by_hand(gpt2, LONG, {6: {"stop_token": early}}, Controls())
    assert ids(events) == list(plain.token_ids)


def test_several_sequences_cannot_turn_greedy(gpt2: LoadedModel) -> None:
    several = LONG.changed(num_return_sequences=2)
    plain = play(gpt2, settings=several)
    controls = Controls()
    controls.settings = several  # a panel swaps whole snapshots
    events = []
    for event in engine.generate(gpt2, PROMPT, several, controls):
        events.append(event)
        if isinstance(event, Token) and event.index == 3:
            controls.settings = several.changed(num_return_sequences=1, strategy="greedy")
    assert [ids(events, row) for row in (0, 1)] == [ids(plain, row) for row in (0, 1)]


def test_a_refused_change_leaves_the_run_alone(gpt2: LoadedModel) -> None:
    controls = Controls()
    run = engine.generate(gpt2, PROMPT, LONG, controls)
    events = [next(run), next(run), next(run)]
    with pytest.raises(engine.SettingError):
        controls.change(temperature=-1)
    with pytest.raises(engine.SettingError):
        controls.change(no_such_setting=1)
    assert ids([*events, *run]) == ids(play(gpt2, settings=LONG))
