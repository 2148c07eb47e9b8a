"""What the worker writes down of runs that are held, stepped, changed, looked at and stopped from another thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

import engine
from engine.events import Failed, Finished, Token
from engine.session.format import LINES, problem
from engine.session.reading import read
from engine.session.record import open_record
from engine.session.replay import OneModel, replay
from engine.session.transcript import Transcript
from engine.session.verdict import RunVerdict
from engine.settings import Settings
from tests.models import saved, tiny_gpt2
from tui.jobs import EffectJob, LoadFailed, LoadJob, ModelFacts, RecordJob, RunEvent, RunJob
from tui.session import Session
from tui.worker import Worker

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tiny_gpt2(n_positions=512), tmp_path_factory.mktemp("model"))


class Hands:
    """A session and its worker, with nothing on a screen."""

    def __init__(self, worker: Worker, settings: Settings) -> None:
        self.worker, self.session = worker, Session(settings)
        self.tokens = 0

    def until(self, there: Callable[[], bool]) -> None:
        """Take over what comes until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not there():
            assert time.monotonic() < end
            if not self.worker.outbox:
                time.sleep(0.0005)
                continue
            item = self.worker.outbox.popleft()
            assert not isinstance(item, LoadFailed)
            if isinstance(item, ModelFacts):
                self.session.facts = item
            elif isinstance(item, RunEvent) and item.run == self.session.run:
                assert not isinstance(item.event, Failed), item.event
                self.tokens += isinstance(item.event, Token)
                self.session.hear(item.event)

    def run(self, job: RunJob, random: Random) -> None:
        """A run with hands on it: after some tokens something is done, until it ends."""
        self.worker.put(job)
        while self.session.running:
            wanted = self.tokens + random.randint(1, 9)
            self.until(lambda wanted=wanted: self.tokens >= wanted or not self.session.running)
            controls = self.session.controls
            if controls is None:
                return
            match random.randrange(6):
                case 0:
                    controls.stop()
                case 1 | 2:
                    controls.pause()
                    self.session.change("temperature", random.choice((0.5, 0.9, 1.7)))
                    controls.resume()
                case 3:
                    controls.step()
                    controls.resume()
                case _:
                    self.session.change("top_k", random.choice((0, 3, 30)))
            self.worker.wake()


@pytest.mark.parametrize("seed", range(4))
def test_what_hands_did_is_the_same_again(folder: Path, tmp_path: Path, seed: int) -> None:
    path, random = tmp_path / "session.jsonl", Random(seed)
    worker = Worker(Transcript(path))
    hands = Hands(worker, Settings(max_new_tokens=40, top_p=1.0, seed=seed, num_return_sequences=1 + seed % 2))
    worker.start()
    worker.put(LoadJob(str(folder)))
    hands.until(lambda: hands.session.facts is not None)
    hands.run(hands.session.begin("the old keeper"), random)
    for number in range(4):
        worker.put(EffectJob("the river of", hands.session.settings.changed(top_k=5), "top_k"))
        if number == 2:
            hands.session.facts = None
            worker.put(LoadJob(str(folder)))
            hands.until(lambda: hands.session.facts is not None)
        text = hands.session.sequences[0].text
        match random.randrange(3):
            case 0:
                hands.session.undo()
            case 1 if hands.session.edit(0, f"{text[:9]} and {text[12:]}"):
                worker.put(RecordJob("edit", {"sequence": 0, "text": hands.session.sequences[0].text}))
        act = random.choice((lambda: hands.session.go_on(0), hands.session.regenerate))
        hands.run(act() if hands.session.sequences else hands.session.begin("another"), random)
    worker.close(PATIENCE_S)

    lines = list(read(path))
    assert [line for line in lines if problem(line) or line["event"] not in LINES] == []
    record = open_record(path)
    assert record.trouble == [] and len(record.runs) == 5
    assert [run.fresh for run in record.runs] == [True, False, False, True, False]
    assert record.runs[0].how == "new" and {run.how for run in record.runs[1:]} <= {"new", "on", "anew"}
    for run in record.runs:
        held = [line["event"] for line in read(path, run.start, run.end) if line["event"] in ("pause", "resume")]
        assert held[::2] == ["pause"] * len(held[::2]) and held[1::2] == ["resume"] * len(held[1::2])
        assert isinstance(run.outcome, Finished)
        cancelled = any(end.finish_reason == "cancelled" for end in run.outcome.sequences)
        assert (run.stopped is not None) == cancelled
    model = engine.load(str(folder), device="cpu")
    verdicts = [item for item in replay(record, OneModel(model)) if isinstance(item, RunVerdict)]
    assert [(v.difference, v.error, v.reused, v.environment) for v in verdicts] == [(None, "", None, [])] * 5
