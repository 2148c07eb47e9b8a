"""Pause, step, resume and stop: nothing is computed that was not asked for."""

from __future__ import annotations

from itertools import islice

import pytest

import engine
from engine import Controls, Settings
from engine.events import Changed, Event, Failed, Finished, Paused, Prefilled, Prepared, Stopped, Token
from engine.models.loaded import LoadedModel
from tests.models import GREEDY, PROMPT, SAMPLED, counted, end, ids, play, tiny_gpt2


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def test_nothing_happens_before_it_is_asked_for(gpt2: LoadedModel) -> None:
    with counted(gpt2) as passes:
        run = engine.generate(gpt2, PROMPT, GREEDY)
        assert passes == []
        assert isinstance(next(run), Prepared)
        assert passes == []
        assert kinds(list(islice(run, 2))) == [Prefilled, Token]
        assert passes == [len(PROMPT)]
        next(run)
        assert passes == [len(PROMPT), 1]


def test_a_pause_is_told_as_long_as_it_lasts(gpt2: LoadedModel) -> None:
    plain = ids(play(gpt2))
    controls = Controls()
    run = engine.generate(gpt2, PROMPT, GREEDY, controls)
    with counted(gpt2) as passes:
        events = list(islice(run, 4))  # prepared, prefilled, two tokens
        controls.pause()
        before = list(passes)
        assert list(islice(run, 5)) == [Paused(2)] * 5
        assert passes == before  # what the held token will see may yet be changed
        controls.resume()
        events += run
    assert ids(events) == plain
    assert len(passes) == len(plain) - 1  # the prompt was in the cache already


def test_a_pause_before_the_start_computes_nothing(gpt2: LoadedModel) -> None:
    controls = Controls()
    controls.pause()
    with counted(gpt2) as passes:
        run = engine.generate(gpt2, PROMPT, GREEDY, controls)
        assert isinstance(next(run), Prepared)
        assert list(islice(run, 3)) == [Paused(0)] * 3
        assert passes == []
        controls.step()
        assert kinds(list(islice(run, 3))) == [Prefilled, Token, Paused]
        controls.resume()
        assert isinstance(list(run)[-1], Finished)


def test_steps_come_one_at_a_time(gpt2: LoadedModel) -> None:
    plain = ids(play(gpt2))
    controls = Controls()
    controls.pause()
    run = engine.generate(gpt2, PROMPT, GREEDY, controls)
    assert kinds(list(islice(run, 2))) == [Prepared, Paused]
    found: list[int] = []
    for index in range(4):
        controls.step()
        got = list(islice(run, 3 if index == 0 else 2))
        assert got[-1] == Paused(index + 1)
        found += [event.id for event in got if isinstance(event, Token)]
    assert found == plain[:4]
    controls.step()
    controls.step()
    assert kinds(list(islice(run, 4))) == [Token, Token, Paused, Paused]


def test_a_pause_takes_back_steps_not_yet_taken(gpt2: LoadedModel) -> None:
    controls = Controls()
    controls.step()
    controls.step()
    controls.pause()
    run = engine.generate(gpt2, PROMPT, GREEDY, controls)
    assert kinds(list(islice(run, 3))) == [Prepared, Paused, Paused]


def test_settings_changed_in_a_pause_act_on_the_next_token(gpt2: LoadedModel) -> None:
    controls = Controls()
    run = engine.generate(gpt2, PROMPT, SAMPLED, controls)
    events = list(islice(run, 5))
    controls.pause()
    events += islice(run, 2)
    controls.change(top_k=1)
    controls.resume()
    events += run
    assert ids(events) == ids(play(gpt2, settings=SAMPLED, controls=Controls(schedule={3: {"top_k": 1}})))


@pytest.mark.parametrize("paused", [False, True])
def test_a_stop_before_the_first_token_computes_nothing(gpt2: LoadedModel, paused: bool) -> None:
    controls = Controls()
    if paused:
        controls.pause()
    controls.stop()
    with counted(gpt2) as passes:
        events = play(gpt2, controls=controls)
    assert passes == []
    assert kinds(events) == [Prepared, Stopped, Finished]
    assert end(events).sequences[0].finish_reason == "cancelled"
    assert end(events).sequences[0].token_ids == ()


@pytest.mark.parametrize("rows", [1, 3])
def test_after_a_stop_no_pass_is_made(gpt2: LoadedModel, rows: int) -> None:
    settings = SAMPLED.changed(num_return_sequences=rows)
    plain = play(gpt2, settings=settings)
    controls = Controls()
    events: list[Event] = []
    with counted(gpt2) as passes:
        for event in engine.generate(gpt2, PROMPT, settings, controls):
            events.append(event)
            if isinstance(event, Token) and event.index == 4 and event.sequence == rows - 1:
                controls.stop()
                made = len(passes)
    assert len(passes) == made
    for row in range(rows):
        assert ids(events, row) == ids(plain, row)[:5]
        assert end(events).sequences[row].finish_reason == "cancelled"


def test_a_stop_ends_a_pause(gpt2: LoadedModel) -> None:
    controls = Controls()
    run = engine.generate(gpt2, PROMPT, GREEDY, controls)
    list(islice(run, 4))
    controls.pause()
    assert list(islice(run, 2)) == [Paused(2)] * 2
    controls.stop()
    rest = list(run)
    assert kinds(rest) == [Stopped, Finished]


def test_a_run_that_is_dropped_leaves_the_model_usable(gpt2: LoadedModel) -> None:
    plain = ids(play(gpt2))
    run = engine.generate(gpt2, PROMPT, GREEDY)
    list(islice(run, 6))
    del run
    assert ids(play(gpt2)) == plain


def test_stop_texts(gpt2: LoadedModel) -> None:
    """`stop_token` cuts the text, `stop_strings` do not; what comes first counts."""
    whole = end(play(gpt2, settings=SAMPLED.changed(max_new_tokens=30))).sequences[0]
    stop = whole.text[8:11]
    at = whole.text.index(stop)
    cut = end(play(gpt2, settings=SAMPLED.changed(max_new_tokens=30, stop_token=stop))).sequences[0]
    assert (cut.text, cut.finish_reason) == (whole.text[:at], "stop")
    kept = end(play(gpt2, settings=SAMPLED.changed(max_new_tokens=30, stop_strings=(stop, "not there")))).sequences[0]
    assert kept.finish_reason == "stop"
    assert kept.token_ids == cut.token_ids == whole.token_ids[: len(cut.token_ids)]
    assert stop in kept.text and whole.text.startswith(kept.text)
    absent = end(play(gpt2, settings=SAMPLED.changed(max_new_tokens=30, stop_token="not there"))).sequences[0]
    assert (absent.text, absent.finish_reason) == (whole.text, "length")


def test_the_time_limit_ends_a_run_after_its_token(gpt2: LoadedModel) -> None:
    events = play(gpt2, settings=GREEDY.changed(max_time=1e-9))
    assert len(ids(events)) == 1
    assert end(events).sequences[0].finish_reason == "time"


def test_no_tokens_at_all(gpt2: LoadedModel) -> None:
    with counted(gpt2) as passes:
        events = play(gpt2, settings=GREEDY.changed(max_new_tokens=0))
    assert passes == []
    assert end(events).sequences[0].finish_reason == "length"


def test_prompts_that_do_not_fit() -> None:
    model = tiny_gpt2()
    (failed,) = play(model, [1] * 65)
    assert isinstance(failed, Failed) and "shorten it by 1" in failed.error
    events = play(model, [1] * 60, Settings(strategy="greedy"))
    assert isinstance(events[0], Prepared)
    assert [note.code for note in events[0].notes] == ["length-clipped"]
    assert len(ids(events)) == 4
    assert ids(play(model, [1] * 64)) == []


def test_a_prompt_that_cannot_be_encoded_fails_in_one_line(gpt2: LoadedModel) -> None:
    (failed,) = play(gpt2, "a\ud800b")
    assert isinstance(failed, Failed) and "\n" not in failed.error


@pytest.mark.parametrize(
    "settings",
    [
        SAMPLED.changed(num_return_sequences=2),
        Settings(strategy="beam", num_beams=3, max_new_tokens=12),
        Settings(strategy="contrastive", top_k=3, max_new_tokens=12),
        Settings(strategy="assisted", prompt_lookup_num_tokens=3, max_new_tokens=12),
        Settings(strategy="dola", dola_layers="low", max_new_tokens=12),
    ],
    ids=lambda settings: settings.strategy,
)
def test_a_stop_says_which_token_did_not_come(gpt2: LoadedModel, settings: Settings) -> None:
    settings = settings.changed(eos_token_id=())
    controls = Controls()
    events: list[Event] = []
    for event in engine.generate(gpt2, PROMPT, settings, controls):
        events.append(event)
        if getattr(event, "index", -1) == 4:
            controls.change(temperature=1.7)  # told all the same: what goes on from here obeys it
            controls.stop()
    [stopped] = [event for event in events if isinstance(event, Stopped)]
    assert stopped == Stopped(5) and all(len(s.token_ids) == 5 for s in end(events).sequences)
    assert Changed(5, "temperature", 1.0, 1.7) in events
    assert not any(isinstance(event, Stopped) for event in play(gpt2, settings=settings))
