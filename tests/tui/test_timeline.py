"""Undo and redo: back and forth, and nothing lost on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.timeline import Timeline

MOVES = st.lists(st.sampled_from(["new", "new", "undo", "redo"]), max_size=60)


def played(moves: list[str]) -> tuple[Timeline[int], int]:
    """A timeline of numbers after these moves, and its present; each new number is the next."""
    timeline: Timeline[int] = Timeline()
    present = newest = 0
    for move in moves:
        if move == "new":
            timeline.record(present)
            present = newest = newest + 1
        else:
            there = timeline.undo(present) if move == "undo" else timeline.redo(present)
            present = present if there is None else there
    return timeline, present


def walked(timeline: Timeline[int], present: int, direction: str, steps: int) -> list[int]:
    states = [present]
    for _ in range(steps):
        there = timeline.undo(states[-1]) if direction == "undo" else timeline.redo(states[-1])
        assert there is not None
        states.append(there)
    return states


@given(MOVES)
def test_all_the_way_back_and_forth_ends_where_it_began(moves: list[str]) -> None:
    timeline, present = played(moves)
    back, forward = timeline.steps
    down = walked(timeline, present, "undo", back)
    assert down[-1] == 0 and timeline.undo(down[-1]) is None and timeline.steps == (0, back + forward)
    up = walked(timeline, down[-1], "redo", back)
    assert up == down[::-1] and timeline.steps == (back, forward)


@given(MOVES)
def test_no_state_is_ever_out_of_reach(moves: list[str]) -> None:
    timeline, present = played(moves)
    back, forward = timeline.steps
    seen = {*walked(timeline, present, "redo", forward)}
    seen |= {*walked(timeline, present, "redo", 0)}
    timeline, present = played(moves)
    seen |= {*walked(timeline, present, "undo", back)}
    assert seen == set(range(moves.count("new") + 1))


@given(MOVES)
def test_the_step_before_a_new_state_is_the_one_that_was_left(moves: list[str]) -> None:
    timeline, present = played(moves)
    timeline.record(present)
    assert timeline.undo(-1) == present and timeline.redo(present) == -1
    assert timeline.redo(-1) is None, "what is new has nothing after it"


def test_what_was_undone_and_left_lies_further_back() -> None:
    timeline, present = played(["new", "new", "undo", "new"])
    assert walked(timeline, present, "undo", 4) == [3, 1, 2, 1, 0]
