"""Random lives of a session: run again they are the same to the last bit, opened they are what they were, cut off
anywhere they are what they were there.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import engine
from engine.errors import TranscriptError
from engine.models.loaded import LoadedModel
from engine.session.format import LINES, problem
from engine.session.reading import parsed
from engine.session.record import open_record
from engine.session.replay import OneModel, replay
from engine.session.transcript import Transcript
from engine.session.verdict import RunVerdict
from engine.settings import Settings
from tests.models import saved, tiny_gpt2
from tests.tui.lives import PATIENCE_S, Hands, state
from tui.jobs import LoadJob
from tui.restoring import restored
from tui.session import Session
from tui.worker import Worker

LIVES, THINGS, CUTS = 24, 25, 15
STEPS = ("edit", "undo", "redo", "rewind", "branch", "keep", "take", "finish")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tiny_gpt2(n_positions=1024), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(folder: Path) -> LoadedModel:
    return engine.load(str(folder), device="cpu")


@pytest.fixture(scope="module")
def first(folder: Path, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    """One worker for all lives: each begins a record of its own in it."""
    hands = Hands(Worker(Transcript(tmp_path_factory.mktemp("first") / "none.jsonl")), Session(Settings()), Random())
    hands.worker.start()
    hands.worker.put(LoadJob(str(folder)))
    hands.until(lambda: hands.session.facts is not None)
    yield hands
    hands.worker.close(PATIENCE_S)


def steps_of(raw: bytes) -> Iterator[int]:
    """Where the lines end after which something has been done."""
    aside, place = False, 0
    for piece in raw.splitlines(keepends=True):
        place += len(piece)
        line = json.loads(piece)
        if line["event"] == "run":
            aside = line["how"] == "compare"
        if line["event"] in STEPS and not (aside and line["event"] == "finish"):
            yield place


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life(first: Hands, model: LoadedModel, tmp_path: Path, seed: int) -> None:
    path, random = tmp_path / "life.jsonl", Random(seed)
    hands = first.another(path, Session(Settings(top_p=1.0, max_new_tokens=8, seed=seed)), random)
    hands.live(THINGS)
    hands.caught_up()
    raw = path.read_bytes()
    lines = [json.loads(line) for line in raw.splitlines()]
    assert [line for line in lines if problem(line) or line["event"] not in LINES] == []
    ends = list(steps_of(raw))
    assert len(ends) == len(hands.came_to)
    runs_again_the_same(path, model)
    opened_is_what_it_was(path, hands)
    for _ in range(CUTS):
        cut_is_what_it_was_there(raw, random.randint(0, len(raw)), ends, hands.came_to, tmp_path / "cut.jsonl")
    goes_on_as_it_goes_on(raw, hands, tmp_path)


def runs_again_the_same(path: Path, model: LoadedModel) -> None:
    verdicts = [item for item in replay(open_record(path), OneModel(model)) if isinstance(item, RunVerdict)]
    assert len(verdicts) == len(open_record(path).runs)
    assert [verdict for verdict in verdicts if not verdict.identical or verdict.reused or verdict.environment] == []
    assert all(verdict.agreeing == verdict.tokens and verdict.gap == 0.0 for verdict in verdicts)


def opened_is_what_it_was(path: Path, hands: Hands) -> None:
    found = restored(path, Settings())
    assert found.trouble == []
    assert state(found.session) == state(hands.session)


def cut_is_what_it_was_there(raw: bytes, at: int, ends: list[int], came_to: list[dict[str, Any]], path: Path) -> None:
    """The last step whose line is whole stands, with the tokens of the run that was under way."""
    path.write_bytes(raw[:at])
    whole = at if parsed(raw[:at].rpartition(b"\n")[2]) else raw[:at].rfind(b"\n") + 1
    try:
        found = restored(path, Settings())
    except TranscriptError:
        assert not any(json.loads(line)["event"] == "run" for line in raw[:whole].splitlines())
        return
    done = bisect_right(ends, whole if raw[whole - 1 : whole] == b"\n" else whole + 1)
    since = [json.loads(line) for line in raw[ends[done - 1] if done else 0 : whole].splitlines()]
    begun = next((line for line in reversed(since) if line["event"] == "run"), None)
    since = since[since.index(begun) :] if begun else []
    assert set(found.trouble) <= {"1 line could not be read and is left out"}
    if begun is None or begun["how"] == "compare" or not any(line["event"] == "prepared" for line in since):
        if done and came_to[done - 1]:
            assert state(found.session) == came_to[done - 1]
        return
    texts = [begun["prompt"].removeprefix(found.session.writing.prompt)] * len(found.session.sequences)
    for line in since:
        if line["event"] == "token":
            texts[line["sequence"] if "sequence" not in begun else begun["sequence"]] += line["text"]
    now = [written.text for written in found.session.sequences]
    own = range(len(now)) if "sequence" not in begun else [begun["sequence"]]
    assert [now[number] for number in own] == [texts[number] for number in own]
    strategies = {begun["settings"]["strategy"], *(line["to"] for line in since if line.get("name") == "strategy")}
    if strategies <= {"greedy", "beam", "contrastive"}:  # they draw nothing
        assert {found.session.sequences[number].drawn for number in own} == {begun.get("drawn", 0)}


def goes_on_as_it_goes_on(raw: bytes, hands: Hands, folder: Path) -> None:
    """What was left and opened again goes on with the tokens that come where it was not left."""
    copy = folder / "copy.jsonl"
    copy.write_bytes(raw)
    settings = hands.session.settings
    opened = restored(copy, settings).session
    opened.settings = settings
    again = hands.another(copy, opened, hands.random)
    written = []
    for each in (again, hands):
        if not each.session.sequences:
            return
        each.run(each.session.go_on(0), undisturbed=True)
        written.append([step.token.id for step in each.session.steps(0)])
        assert each.session.sequences[0].ending not in ("cancelled", "failed")
    assert written[0] == written[1]
