"""The tree of branches, through any life of a text: nothing is missing from it, and each parts where it says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.settings import Settings
from tests.tui.test_session import MOVES, SETTINGS, Stage, play
from tui.branches import Branch, Branches, Place, drawn, shared
from tui.labels import Labelled
from tui.pieces import text_of
from tui.session import Session
from tui.writing import Writing


def ever(session: Session) -> list[Writing]:
    """All states that the timeline knows."""
    timeline = session.timeline
    return [*timeline._past, session.writing, *timeline._future]


def texts(session: Session) -> dict[Place, set[str]]:
    found: dict[Place, set[str]] = {}
    for writing in ever(session):
        for number, written in enumerate(writing.sequences):
            found.setdefault(Place(writing.prompt, number), set()).add(written.text)
    return found


@given(MOVES)
@settings(max_examples=200, deadline=None)
def test_every_text_that_ever_was_is_on_one_branch(moves: list[tuple[str, object, object, object]]) -> None:
    stage = Stage()
    play(stage, moves)
    branches = stage.session.roads.branches
    assert set(branches.places) == set(texts(stage.session))
    for place, known in texts(stage.session).items():
        leaves = {text for text in known if not any(other != text and other.startswith(text) for other in known)}
        assert {branch.text for branch in branches.of(place)} == leaves and len(branches.of(place)) == len(leaves)
        for text in known:
            branch = branches.at(place, text)
            assert branch is not None and branch.text.startswith(text)
        for branch in branches.of(place):
            assert branch.written.text == branch.text, "its state has all of it"
            assert branch.parted == max(
                (shared(branch.text, other.text) for other in branches.of(place) if other is branch.left), default=0
            )
            assert branch.left is None or branch.text[branch.parted] != branch.left.text[branch.parted]
        order = [twig.branch for twig in drawn(branches.of(place))]
        assert sorted(map(id, order)) == sorted(map(id, branches.of(place))), "each is drawn once"
        assert all(order.index(branch.above) < order.index(branch) for branch in order if branch.above)


@given(MOVES, st.integers(0, 50))
@settings(max_examples=200, deadline=None)
def test_any_branch_can_be_gone_to_and_come_back_from(
    moves: list[tuple[str, object, object, object]], which: int
) -> None:
    stage = Stage()
    play(stage, moves)
    session = stage.session
    known = [branch for place in session.roads.branches.places for branch in session.roads.branches.of(place)]
    if not known:
        return
    branch = known[which % len(known)]
    before, others, steps = stage.state(), session.writing, session.timeline.steps
    went = session.take(branch)
    stage.show()
    stage.check()
    place = branch.place
    assert session.writing.prompt == place.prompt
    assert session.sequences[place.sequence].text == branch.text and session.branch(place.sequence) is branch
    if others.prompt == place.prompt and len(others.sequences) == len(session.sequences):
        for number, written in enumerate(session.sequences):
            assert number == place.sequence or written.text == others.sequences[number].text, "they stay"
    job = session.go_on(place.sequence)
    assert job.shown_prompt == place.prompt + branch.text
    session.abandon()
    assert session.can_go_on(place.sequence)
    if went:
        assert session.timeline.steps[0] > steps[0] and session.undo()
        assert stage.state() == before
    else:
        assert session.timeline.steps == steps
    assert set(texts(session)) == set(session.roads.branches.places), "nothing is lost by it"


@given(st.text("ab", max_size=30), st.text("ab", max_size=30))
def test_how_much_two_texts_share(one: str, other: str) -> None:
    same = [one[:end] == other[:end] for end in range(1, min(len(one), len(other)) + 1)]
    assert shared(one, other) == sum(same)


def grown(*lives: str) -> Labelled:
    labelled = Labelled()
    for text in lives:
        labelled.branches.add(_state(text))
    return labelled


def _state(text: str) -> Writing:
    stage = Stage(SETTINGS.changed(num_return_sequences=1))
    stage.run(stage.session.begin("p"), 0)
    stage.session.edit(0, text)
    return stage.session.writing


def at(labelled: Labelled, text: str) -> Branch:
    branch = labelled.branches.at(Place("p", 0), text)
    assert branch is not None
    return branch


def test_a_name_stays_with_what_goes_on_from_it_and_what_grew_is_seen_again() -> None:
    labelled = grown("abc", "abX")
    lines = labelled.rename(at(labelled, "abX"), "mine")
    assert lines == [{"what": "named", "prompt": "p", "sequence": 0, "text": "abX", "name": "mine"}]
    labelled.prune(at(labelled, "abX"))
    labelled.branches.add(_state("abXYZ"))
    labelled.branches.add(_state("abXyz"))
    assert labelled.name(at(labelled, "abXYZ")) == "mine" and not labelled.name(at(labelled, "abXyz"))
    assert not labelled.is_hidden(at(labelled, "abXYZ"))
    assert [line["name"] for line in labelled.rename(at(labelled, "abXYZ"), "other")] == ["", "other"]
    assert labelled.name(at(labelled, "abXYZ")) == "other"


def test_pruning_takes_what_parts_from_it_out_of_sight_and_is_undone() -> None:
    labelled = grown("abc", "abXYZ", "abXYw", "Q")
    branches: Branches = labelled.branches
    known = branches.of(Place("p", 0))
    lines = labelled.prune(at(labelled, "abXYZ"))
    assert {line["text"] for line in lines} == {"abXYZ", "abXYw"} and {line["what"] for line in lines} == {"hidden"}
    assert [branch.text for branch in labelled.shown(known, None)] == ["abc", "Q"]
    assert labelled.number(at(labelled, "Q")) == (2, 2)
    assert labelled.number(at(labelled, "abXYw")) == (2, 3), "what is written now is always seen"
    undone = labelled.undo()
    assert undone and {line["what"] for line in undone} == {"shown"} and len(labelled.shown(known, None)) == 4
    assert labelled.redo() and labelled.undo() and labelled.undo() is None
    assert [twig.stem + twig.branch.text for twig in drawn(known)] == ["abc", "└ abXYZ", "  └ abXYw", "Q"]


def test_a_branch_says_what_was_other_where_it_parts() -> None:
    stage = Stage(Settings(max_new_tokens=5, seed=7))
    session = stage.session
    stage.run(session.begin("p"))
    session.change("temperature", 0.4)
    stage.run(session.swap(0, 2, ord("X")))
    session.retype(0, 1, "typed")
    typed, swapped = session.branch(0), session.roads.branches.of(Place("p", 0))[1]
    assert typed is not None and typed.by_hand and swapped.text[2] == "X" and swapped.by_hand
    assert swapped.differing == "temperature 0.4" and swapped.seed == 7 and swapped.parted == 2
    assert text_of(session.pieces(0)) == f"p{swapped.text[0]}typed" and session.sequences[0].ids == ()
    assert session.undo() and session.branch(0) is swapped
