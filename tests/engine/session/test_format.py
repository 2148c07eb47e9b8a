"""The declared format: what the writer puts, what the reader takes, and the page that tells of it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.events import Failed, Finished, Prefilled, Prepared, Token
from engine.models.loaded import LoadedModel
from engine.session.format import KINDS, LINES, ordered, problem
from engine.session.lines import as_lines, event_of
from engine.session.record import open_record
from tests.engine.session.recording import record_session
from tests.format_page import PAGE, page

SAMPLES: dict[str, tuple[list[Any], list[Any]]] = {
    "text": (["", "x"], [1, None, ["x"]]),
    "count": ([0, 7, 2**62], [-1, True, 1.0, "1", 2**63, 10**400]),
    "draws": ([0, 10**7], [10**7 + 1, -1, 2**70, "1", True]),
    "number": ([0, -1.5, float("-inf"), float("nan"), -(2**62)], [True, "1", None, 10**400]),
    "number or null": ([None, 0.5], ["x", [1]]),
    "flag": ([True, False], [1, "true"]),
    "ids": ([[], [1, 2]], [[-1], ["1"], 5, [[1]]]),
    "texts": ([[], ["a"]], [["a", 1], "a"]),
    "object": ([{}], [[], "x", None]),
    "list": ([[], [1]], [{}, "x", (1,)]),
    "any": ([None, 1, "x"], []),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_takes(kind: str) -> None:
    good, bad = SAMPLES[kind]
    assert [value for value in good if not KINDS[kind](value)] == []
    assert [value for value in bad if KINDS[kind](value)] == []


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_line_needs_what_is_declared(line: Any) -> None:
    whole = {"event": line.event} | {field.name: SAMPLES[field.kind][0][0] for field in line.fields}
    assert problem(whole) == "" and problem(whole | {"more": [1]}) == ""
    for field in line.fields:
        without = {name: value for name, value in whole.items() if name != field.name}
        assert problem(without) == (f"{line.event}: no {field.name}" if field.needed else "")
        for bad in SAMPLES[field.kind][1]:
            assert problem(whole | {field.name: bad}) == f"{line.event}: {field.name} is no {field.kind}"
    backwards = dict(reversed(list(whole.items())))
    assert list(ordered(line.event, backwards)) == list(whole)


def test_every_event_comes_back_as_it_went(gpt2: LoadedModel, tmp_path: Path) -> None:
    """But for what is not written: a cache's shape, beams' ids, and a prompt's notes, which come by themselves."""
    told = [record_session(gpt2.apart(), tmp_path / f"{seed}.jsonl", Random(seed)) for seed in range(6)]
    seen: set[type] = set()
    for seed, runs in enumerate(told):
        for run, events in zip(open_record(tmp_path / f"{seed}.jsonl").runs, runs, strict=True):
            back = [event for event, _ in run.events()]
            seen |= {type(event) for event in back}
            assert [as_lines(event) for event in back] == [[line] for event in events for line in as_lines(event)]
            tokens = [event for event in events if isinstance(event, Token)]
            assert [event for event in back if isinstance(event, Token)] == tokens
            assert isinstance(back[-1], Finished) and isinstance(events[-1], Finished)
            assert back[-1].sequences == events[-1].sequences == run.outcome.sequences  # type: ignore[union-attr]
            assert run.told == len(tokens) and run.whole
    assert {Prepared, Prefilled, Token, Finished} < seen and len(seen) >= 11, seen


def test_a_failure_keeps_how_far_it_came() -> None:
    token = Token(0, 0, 5, "x", -1.0)
    [(name, fields)] = as_lines(Failed("no room"))
    assert event_of({"event": name, **fields}) == Failed("no room")
    line = {"event": "failed", "error": "no room", "sequences": [{"text": "x", "finish_reason": "cancelled"}]}
    back = event_of(line, {0: [token]})
    assert isinstance(back, Failed) and back.sequences[0].token_ids == (5,) and back.sequences[0].drawn == 1


@pytest.mark.parametrize(
    "line",
    [
        {"event": "note", "level": "loud", "code": "c", "text": "t"},
        {"event": "token", "sequence": 0, "index": 0, "id": 1, "text": "", "logprob": 0.0, "alternatives": [5]},
        {"event": "token", "sequence": 0, "index": 0, "id": 1, "text": "", "logprob": 0.0, "alternatives": [[1, 2, 3]]},
        {"event": "beams", "index": 0, "settled": 0, "running": ["x"]},
        {"event": "beams", "index": 0, "settled": 0, "running": [{"text": "x", "score": "high"}]},
        {"event": "candidates", "index": 0, "chosen": 0, "candidates": [{}]},
        {"event": "finish", "sequences": [[]], "timing": {"prefill_s": 0, "decode_s": 0}},
        {"event": "finish", "sequences": [], "timing": {"prefill_s": [], "decode_s": 0}},
        {"event": "finish", "sequences": [{"text": "x", "finish_reason": ["eos"]}], "timing": {}},
        {"event": "from the future"},
        {"event": ["token"]},
        {},
    ],
)
def test_what_is_not_right_is_no_event(line: dict[str, Any]) -> None:
    assert event_of(line) is None


def test_the_page_is_that_of_the_declaration() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.format_page"
