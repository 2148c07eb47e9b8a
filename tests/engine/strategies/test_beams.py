"""Beam searches against all that could be written, and against plain versions without a cache."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest

import engine
from engine import Controls, Settings
from engine.events import Beams, Changed, Event, Finished, Paused
from tests.engine.strategies.tiny import PROMPT, WORDS, everything, few_words, logprobs
from tests.models import end, play

LENGTH = 4
WIDE = Settings(strategy="beam", num_beams=64, max_new_tokens=LENGTH, num_return_sequences=5, early_stopping="never")
Text = tuple[int, ...]


def best(sums: dict[Text, float], penalty: float, count: int) -> list[tuple[Text, float]]:
    scored = {text: total / len(text) ** penalty for text, total in sums.items()}
    return sorted(scored.items(), key=lambda one: -one[1])[:count]


def found(events: list[Event]) -> list[tuple[Text, float]]:
    return [(sequence.token_ids, sequence.score or 0) for sequence in end(events).sequences]


def same(one: list[tuple[Text, float]], other: list[tuple[Text, float]]) -> None:
    assert [text for text, _ in one] == [text for text, _ in other]
    assert [score for _, score in one] == pytest.approx([score for _, score in other], abs=1e-4)


@pytest.mark.parametrize("penalty", [-1.0, 0.0, 1.0, 2.5])
@pytest.mark.parametrize("last", [None, 0, 3])
def test_wide_beams_find_the_best_of_all(penalty: float, last: int | None) -> None:
    model = few_words()
    settings = WIDE.changed(length_penalty=penalty, eos_token_id=() if last is None else (last,))
    same(found(play(model, PROMPT, settings)), best(everything(model, LENGTH, last), penalty, 5))


def test_a_length_penalty_changed_on_the_way_ranks_from_there() -> None:
    model, settings = few_words(), WIDE.changed(eos_token_id=(3,), length_penalty=-1)
    changed = play(model, PROMPT, settings, Controls(schedule={2: {"length_penalty": 2.5}}))
    same(found(changed), best(everything(model, LENGTH, 3), 2.5, 5))
    assert found(changed) != found(play(model, PROMPT, settings))
    assert [event.at for event in changed if isinstance(event, Changed)] == [2]


def says(text: Text, first: int, second: int) -> bool:
    """Read as the search does, and the library did: a word that breaks a phrase off does not begin it anew."""
    begun = False
    for token in text:
        if begun and token == second:
            return True
        begun = not begun and token == first
    return False


WORD = {
    "one": ([[3]], lambda text: 3 in text),
    "two": ([[3], [0]], lambda text: 3 in text and 0 in text),
    "alternatives": ([[[3], [0]]], lambda text: 3 in text or 0 in text),
    "a phrase": ([[3, 0]], lambda text: says(text, 3, 0)),
}


@pytest.mark.parametrize("name", WORD)
def test_constrained_beams_find_the_best_with_the_words(name: str) -> None:
    words: list[list[int]]
    holds: Callable[[Text], bool]
    words, holds = WORD[name]
    model, given = few_words(), (1, 2, 1)
    settings = WIDE.changed(strategy="constrained-beam", force_words_ids=words, num_return_sequences=1)
    events = play(model, given, settings)
    sums: dict[Text, float] = {(): 0.0}
    for _ in range(LENGTH):
        sums = {
            (*text, token): total + float(logprobs(model, (*given, *text))[token])
            for text, total in sums.items()
            for token in range(WORDS)
        }
    kept = {text: total for text, total in sums.items() if holds(text)}
    assert 0 < len(kept) < len(sums)
    same(found(events), best(kept, 1, 1))


def diverse(penalties: list[float], beams: int, groups: int) -> list[tuple[Text, float]]:
    """Vijayakumar et al. 2018, word for word: each group in turn, its scores less what the groups before it said."""
    model = few_words()
    held: list[list[tuple[Text, float]]] = [[((), 0.0)] for _ in range(groups)]
    for penalty in penalties:
        said: list[int] = []
        for number, running in enumerate(held):
            ways = []
            for text, total in running:
                row = logprobs(model, (*PROMPT, *text))
                ways += [((*text, t), total + float(row[t]) - penalty * said.count(t)) for t in range(WORDS)]
            held[number] = sorted(ways, key=lambda way: -way[1])[: beams // groups]
            said += [text[-1] for text, _ in held[number]]
    return sorted(
        ((text, total / len(penalties)) for running in held for text, total in running), key=lambda way: -way[1]
    )


@pytest.mark.parametrize(("beams", "groups"), [(4, 2), (6, 3), (3, 3)])
def test_diverse_beams_follow_the_paper(beams: int, groups: int) -> None:
    settings = Settings(strategy="diverse-beam", num_beams=beams, num_beam_groups=groups, num_return_sequences=beams)
    settings = settings.changed(max_new_tokens=6, diversity_penalty=0.8)
    same(found(play(few_words(), PROMPT, settings)), diverse([0.8] * 6, beams, groups))
    live = play(few_words(), PROMPT, settings, Controls(schedule={3: {"diversity_penalty": 5.0}}))
    same(found(live), diverse([0.8] * 3 + [5.0] * 3, beams, groups))


KINDS = {
    "beam": Settings(strategy="beam", num_beams=4),
    "beam-sample": Settings(strategy="beam-sample", num_beams=4),
    "diverse": Settings(strategy="diverse-beam", num_beams=4),
    "constrained": Settings(strategy="constrained-beam", num_beams=4, force_words_ids=[[3]]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", KINDS)
def test_beams_can_be_held_stepped_and_stopped(kind: str) -> None:
    settings = KINDS[kind].changed(max_new_tokens=8, num_return_sequences=3)
    model = few_words()
    whole = [event for event in play(model, PROMPT, settings) if isinstance(event, Beams)]
    controls = Controls()
    controls.pause()
    run = engine.generate(model, PROMPT, settings, controls)
    assert list(islice(run, 3))[1:] == [Paused(0)] * 2
    told: list[Event] = []
    for index in range(3):
        controls.step()
        while not isinstance(event := next(run), Paused):
            told.append(event)
        assert event == Paused(index + 1)
    assert [event for event in told if isinstance(event, Beams)] == whole[:3]
    controls.stop()
    rest = list(run)
    assert isinstance(rest[-1], Finished)
    assert {len(sequence.token_ids) for sequence in rest[-1].sequences} == {3}
    assert {sequence.finish_reason for sequence in rest[-1].sequences} == {"cancelled"}


@pytest.mark.parametrize("kind", KINDS)
def test_beams_keep_to_their_lengths_and_texts(kind: str) -> None:
    model, settings = few_words(), KINDS[kind].changed(max_new_tokens=8, num_return_sequences=2)
    for sequence in end(play(model, PROMPT, settings.changed(eos_token_id=(2,), min_new_tokens=4))).sequences:
        assert 2 not in sequence.token_ids[:4] and len(sequence.token_ids) <= 8
        assert (sequence.finish_reason == "eos") == (sequence.token_ids[-1] == 2)
    for sequence in end(play(model, PROMPT, settings.changed(max_length=len(PROMPT) + 5))).sequences:
        assert len(sequence.token_ids) == 5 and sequence.finish_reason == "length"
    for sequence in end(play(model, PROMPT, settings.changed(max_time=1e-9))).sequences:
        assert len(sequence.token_ids) == 1 and sequence.finish_reason == "time"
    stop = model.piece(2)
    for sequence in end(play(model, PROMPT, settings.changed(stop_strings=(stop,)))).sequences:
        assert (sequence.finish_reason == "stop") == (2 in sequence.token_ids)
        assert 2 not in sequence.token_ids[:-1]
