"""A record is run again and is the same to the last bit, or it is said where it is not."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

import engine
from engine.controls import Controls
from engine.events import Token
from engine.models.loaded import LoadedModel
from engine.runner.cached import CachedRunner
from engine.session.reading import read
from engine.session.record import open_record
from engine.session.replay import OneModel
from engine.session.replay import replay as again
from engine.session.transcript import Transcript
from engine.session.verdict import RunVerdict
from engine.settings import Settings
from tests.engine.session.recording import record_session
from tests.models import PROMPT, SAMPLED, end, play


def verdicts(path: Path, model: LoadedModel) -> list[RunVerdict]:
    return [item for item in again(open_record(path), OneModel(model)) if isinstance(item, RunVerdict)]


@pytest.mark.parametrize("seed", range(16))
def test_any_session_is_the_same_again(gpt2: LoadedModel, tmp_path: Path, seed: int) -> None:
    told = record_session(gpt2.apart(), tmp_path / "session.jsonl", Random(seed))
    found = verdicts(tmp_path / "session.jsonl", gpt2)
    assert len(found) == len(told)
    for verdict in found:
        assert (verdict.difference, verdict.error, verdict.reused, verdict.environment) == (None, "", None, [])
        assert verdict.agreeing == verdict.tokens


def changed_line(path: Path, event: str, number: int, **fields: Any) -> None:
    """Change the line of an event, counted from 0 (or from the end), in the file."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    places = [place for place, line in enumerate(lines) if line["event"] == event]
    lines[places[number]] |= fields
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def recorded(gpt2: LoadedModel, tmp_path: Path) -> Path:
    """A record of two runs, the second going on."""
    path = tmp_path / "session.jsonl"
    model, transcript = gpt2.apart(), Transcript(path)
    settings = SAMPLED.changed(eos_token_id=())
    prompt = PROMPT
    for how, drawn in (("new", 0), ("on", 12)):
        transcript.run(model=model.identity(), prompt="", settings=settings, how=how, fresh=not drawn, drawn=drawn)
        events = play(model, prompt, settings, drawn=drawn)
        for event in events:
            transcript.event(event)
        prompt = (*prompt, *end(events).sequences[0].token_ids)
    return path


def test_another_token_is_named_with_both_probabilities(gpt2: LoadedModel, recorded: Path) -> None:
    changed_line(recorded, "token", 17, id=7, text="x", logprob=-0.5)
    first, second = verdicts(recorded, gpt2)
    assert first.identical and not second.identical
    assert (second.tokens, second.agreeing) == (12, 5)
    told = str(second.difference)
    assert told.startswith("run 2, sequence 1, token 5: 'x' (id 7, probability 0.606531, log-probability -0.5) in")
    assert second.difference is not None and isinstance(second.difference.replayed, Token)
    assert repr(second.difference.replayed.logprob) in told and told.endswith(" now")


def test_a_last_bit_is_a_difference(gpt2: LoadedModel, recorded: Path) -> None:
    then = [line["logprob"] for line in read(recorded) if line["event"] == "token"][3]
    changed_line(recorded, "token", 3, logprob=math.nextafter(then, 0))
    first, second = verdicts(recorded, gpt2)
    assert second.identical and first.agreeing == 12
    assert first.difference is not None and (first.difference.kind, first.difference.index) == ("probability", 3)
    assert 0 < first.gap < 1e-12


def test_a_record_that_breaks_off_is_compared_as_far_as_it_goes(gpt2: LoadedModel, recorded: Path) -> None:
    whole = recorded.read_bytes().splitlines(keepends=True)
    places = [place for place, line in enumerate(whole) if b'"token"' in line[:20]]
    recorded.write_bytes(b"".join(whole[: places[17]]) + whole[places[17]][:20])
    assert [(v.identical, v.tokens) for v in verdicts(recorded, gpt2)] == [(True, 12), (True, 5)]


def test_a_token_too_few_is_a_difference(gpt2: LoadedModel, recorded: Path) -> None:
    lines = recorded.read_text().splitlines(keepends=True)
    last = max(place for place, line in enumerate(lines) if '"token"' in line[:20])
    del lines[last]
    recorded.write_text("".join(lines))
    _, second = verdicts(recorded, gpt2)
    assert second.difference is not None and second.difference.kind == "end"
    assert str(second.difference).startswith("run 2, sequence 1, token 11: the end in the record")


def test_the_clock_does_not_end_it(gpt2: LoadedModel, tmp_path: Path) -> None:
    """A run that a time limit ended ends at that token again, however fast it is now, and one that it did not, not."""
    path = tmp_path / "session.jsonl"
    transcript, model = Transcript(path), gpt2.apart()
    beams = Settings(strategy="beam", num_beams=3, num_return_sequences=2, max_new_tokens=20, eos_token_id=())
    for settings, at in ((SAMPLED, 5), (beams, 6), (SAMPLED, 30)):
        timed = settings.changed(max_time=1.0)
        transcript.run(model=model.identity(), prompt="", settings=timed, fresh=settings is SAMPLED and at == 5)
        for event in engine.generate(model, PROMPT, timed, _Clock(at)):
            transcript.event(event)
    assert [len(run.tokens[0]) for run in open_record(path).runs] == [6, 7, 12]
    changed_line(path, "run", 2, settings=SAMPLED.changed(max_time=1e-9).to_dict())
    assert [verdict.difference for verdict in verdicts(path, gpt2)] == [None] * 3


class _Clock(Controls):
    """A time limit that is reached at a token."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def is_time_up(self, index: int, seconds: float, most: float | None) -> bool:
        return index == self._at


@pytest.mark.parametrize("own_fault", [True, False])
def test_a_run_that_failed_leaves_the_cache_as_it_did(
    gpt2: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_fault: bool
) -> None:
    """One that fails again leaves it alone again; one that had no room left had emptied it."""
    path = tmp_path / "session.jsonl"
    transcript, model = Transcript(path), gpt2.apart()
    guided = SAMPLED.changed(guidance_scale=1.5, negative_prompt_ids=(10**6,))
    failing = guided if own_fault else SAMPLED

    def no_room(self: CachedRunner, ids: Any) -> Any:
        raise RuntimeError("out of memory")

    for number, settings in enumerate((SAMPLED, failing, SAMPLED)):
        transcript.run(model=model.identity(), prompt="", settings=settings, fresh=not number, how="new")
        with monkeypatch.context() as memory:
            if number == 1 and not own_fault:
                memory.setattr(CachedRunner, "step", no_room)
            for event in engine.generate(model, PROMPT, settings):
                transcript.event(event)
    runs = open_record(path).runs
    assert [type(run.outcome).__name__ for run in runs] == ["Finished", "Failed", "Finished"]
    assert runs[2].prefilled is not None and runs[2].prefilled.reused == (len(PROMPT) if own_fault else 0)
    assert [(v.difference, v.error, v.reused) for v in verdicts(path, gpt2)] == [(None, "", None)] * 3


def test_the_model_s_own_runner_is_left_alone(gpt2: LoadedModel, recorded: Path) -> None:
    play(gpt2, PROMPT)
    before = gpt2.runner.ids.tolist()
    assert all(verdict.identical for verdict in verdicts(recorded, gpt2))
    assert gpt2.runner.ids.tolist() == before


def test_what_differs_around_it_is_told(gpt2: LoadedModel, recorded: Path) -> None:
    model = {**gpt2.identity(), "weights": "a" * 64, "threads": 10**9, "versions": {"torch": "1.\x1b[2J", "x": 3}}
    changed_line(recorded, "run", 0, model=model, settings={**SAMPLED.to_dict(), "charm": 2})
    gpt2 = replace(gpt2, sums={"weights": "b" * 64})
    first, second = verdicts(recorded, gpt2)
    told = "\n".join(first.environment)
    for part in ("no setting charm", "weights: aaaa", "threads: 1000000000 then, 1 now", "torch: 1.␛[2J then"):
        assert part in told
    assert second.environment == [] and torch.get_num_threads() == 1


def test_another_model_drafts_only_where_it_is_given(gpt2: LoadedModel, recorded: Path) -> None:
    settings = Settings(strategy="assisted", assistant_model="/elsewhere/model")
    changed_line(recorded, "run", 0, settings=settings.to_dict())
    first, _ = verdicts(recorded, gpt2)
    assert "/elsewhere/model, which is not given" in first.error and not first.identical


def test_what_was_in_the_cache_then_and_now_is_told(gpt2: LoadedModel, recorded: Path) -> None:
    changed_line(recorded, "run", 1, fresh=True)
    assert verdicts(recorded, gpt2)[1].reused == (len(PROMPT) + 11, 0)
