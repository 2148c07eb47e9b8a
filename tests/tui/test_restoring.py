"""Restoring whatever a file says: never a crash, always a session that can be gone on with or is empty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import TranscriptError
from engine.session.record import open_record
from engine.session.standing import standing
from engine.settings import Settings
from tests.paths import REPOSITORY
from tui.restoring import Restoring, restored

GOLDEN = sorted((REPOSITORY / "tests" / "golden_transcripts").glob("*.jsonl"))
ODD = (None, True, -1, 0, 7, 10**30, 1.5, "", "x", "\ud800\x1b[2J", [], [[]], {}, ["a"], [1, 2], "temperature")


def usable(found: Restoring) -> None:
    """Nothing runs in it, and a run can begin from each of its sequences and states."""
    session = found.session
    assert not session.running and all(isinstance(line, str) for line in found.told())
    for number in range(len(session.sequences)):
        assert session.go_on(number).settings.num_return_sequences == 1
        session.abandon()
        assert [piece.text for piece in session.pieces(number)]
    while session.undo():
        pass
    session.begin("the old")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_transcripts_come_to_what_they_say(path: Path) -> None:
    found = restored(path, Settings())
    assert not found.trouble
    usable(restored(path, Settings()))
    what_stands = standing(open_record(path))
    assert (found.session.writing.prompt, [written.text for written in found.session.sequences]) == (
        what_stands.prompt,
        what_stands.texts(),
    )


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_leaves_a_session(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(GOLDEN)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        what = data.draw(st.sampled_from(["cut", "byte", "drop", "twice"]))
        if what == "cut" and place > 200:
            del raw[place:]
        elif what == "byte" and raw:
            raw[place] = data.draw(st.integers(0, 255))
        elif raw:
            lines = bytes(raw).splitlines(keepends=True)
            line = place % len(lines)
            lines[line : line + 1] = [] if what == "drop" else [lines[line]] * 2
            raw = bytearray(b"".join(lines))
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(raw)
    try:
        found = restored(path, Settings())
    except TranscriptError:
        return
    usable(found)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_values_of_the_right_shape_leave_a_session(tmp_path: Path, data: st.DataObject) -> None:
    """Lines as a hostile hand would write them: each field right in itself or odd, in any order."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in GOLDEN[-1].read_text().splitlines()]
    kinds = {line["event"]: line for line in lines}
    made = [lines[0]]
    for _ in range(data.draw(st.integers(0, 25))):
        line = dict(kinds[data.draw(st.sampled_from(sorted(kinds)))])
        for name in data.draw(st.lists(st.sampled_from(sorted(line)), max_size=2)):
            if name != "event":
                line[name] = data.draw(st.sampled_from(ODD))
        made.append(line)
    path = tmp_path / "hostile.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in made))
    try:
        found = restored(path, Settings())
    except TranscriptError:
        return
    usable(found)
