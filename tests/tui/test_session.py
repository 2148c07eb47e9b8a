"""The session's text through any sequence of runs, edits, undos and redos: where it ends, and what a run then gets."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import events
from engine.events import Begun, Changed, Failed, Finished, Prepared, Timing, Token
from engine.settings import Settings
from engine.settings.run import sequence_seed
from tui.jobs import RunJob
from tui.pieces import Piece, text_of
from tui.session import Session
from tui.steps import ids_before
from tui.widgets.output.document import Document

LETTERS = "abcdefgh "
SETTINGS = Settings(max_new_tokens=5, seed=7, num_return_sequences=2)


def letter(seed: int, draw: int) -> str:
    """The token that a stream gives at a draw."""
    return Random(1000 * seed + draw).choice(LETTERS)


def read(job: RunJob) -> str:
    """The text that a run is given, its ids decoded."""
    match job.prompt:
        case str(text):
            return text
        case Begun(prompt, text):
            return prompt + text
        case ids:
            return "".join(map(chr, ids))


class Stage:
    """A session, a model that writes letters (one a token, by its ids), and what a screen would show."""

    def __init__(self, start: Settings = SETTINGS) -> None:
        self.session = Session(start)
        self.shown = [Document()]
        self.read: list[str] = []  # the texts that runs were given, as the model would decode them

    def show(self) -> None:
        texts = [self.session.pieces(number) for number in range(len(self.session.sequences))]
        self.shown = [*self.shown, *(Document() for _ in texts)][: len(texts)]
        for document, pieces in zip(self.shown, texts, strict=True):
            document.become(pieces)

    def hear(self, event: events.Event) -> None:
        for place, text, kind in self.session.hear(event):
            self.shown[place].append(text, kind)
        if isinstance(event, Prepared | Finished | Failed):
            self.show()

    def run(self, job: RunJob, tokens: int = 5, end: str = "length", cut: int = 0) -> None:
        """Do a job: as a refusal, a failure, or so many tokens and an end, the last `cut` of them cut off."""
        prompt = read(job)
        self.read.append(prompt)
        if end == "refused":
            self.hear(Failed("too long"))
            return
        self.hear(Prepared(prompt, tuple(map(ord, prompt))))
        count = job.settings.num_return_sequences
        texts = [""] * count
        pick = job.controls.picked(0)
        for index in range(tokens):
            if index == 1:
                self.hear(Changed(1, "temperature", 1.0, 1.5))
            for number in range(count):
                picked = pick is not None and not index
                drawn = letter(job.settings.seed + number, job.drawn + index)
                texts[number] += chr(pick) if picked and pick is not None else drawn
                self.hear(Token(number, index, ord(texts[number][-1]), texts[number][-1], -1.0, picked=picked))
        ends = tuple(
            events.Sequence(tuple(map(ord, text)), text[: len(text) - cut], (), "length", drawn=job.drawn + tokens)
            for text in texts
        )
        self.hear(Failed("broke", ends) if end == "failed" else Finished(ends, Timing(0, 0, 0)))

    def state(self) -> object:
        return self.session.writing, [self.session.pieces(n) for n in range(len(self.session.sequences))]

    def check(self) -> None:
        """What is shown is what is written, and its ids are those of its text."""
        session = self.session
        if session.sequences:
            assert [document.text() for document in self.shown] == [
                text_of(session.pieces(number)) for number in range(len(session.sequences))
            ]
        for written in session.sequences:
            text = session.writing.prompt + written.text
            if written.ids:
                assert "".join(map(chr, written.ids)) == text
            for number, step in enumerate(written.steps):
                assert written.text[step.start : step.end] == step.token.text
                before = text[: len(session.writing.prompt) + step.start]
                assert "".join(map(chr, ids_before(written.steps, number))) == before


MOVES = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["begin", "go on", "same", "new"]),
            st.integers(0, 6),
            st.sampled_from(["length", "length", "failed", "refused"]),
            st.integers(0, 2),
        ),
        st.tuples(st.just("edit"), st.integers(0, 20), st.integers(0, 20), st.text("abxyz", max_size=4)),
        st.tuples(st.sampled_from(["undo", "redo"]), st.none(), st.none(), st.none()),
        st.tuples(st.sampled_from(["rewind", "swap", "pick"]), st.integers(0, 6), st.integers(0, 9), st.integers(1, 4)),
    ),
    max_size=25,
)


def play(stage: Stage, moves: list[tuple[str, object, object, object]]) -> None:
    session = stage.session
    for number, (move, one, two, three) in enumerate(moves):
        place = number % 2
        if move == "undo":
            session.undo()
            stage.show()
        elif move == "redo":
            session.redo()
            stage.show()
        elif move in ("rewind", "swap", "pick"):
            if session.can_go_on(place):
                take_another_road(stage, place, move, *(int(str(value)) for value in (one, two, three)))
        elif move == "edit" and session.can_go_on(place):
            text = session.sequences[place].text
            start, end = sorted((int(str(one)), int(str(two))))
            session.edit(place, text[:start] + str(three) + text[end:])
            stage.show()
        else:
            job = None
            if move == "begin":
                job = session.begin(f"prompt {number}")
            elif move == "go on" and session.can_go_on(place):
                job = session.go_on(place)
            elif move in ("same", "new") and session.can_regenerate():
                job = session.regenerate(100 + number if move == "new" else None)
            if job is not None:
                tokens = int(str(one))
                stage.run(job, tokens, str(two), min(tokens, int(str(three))))
        stage.check()


def take_another_road(stage: Stage, place: int, move: str, tokens: int, which: int, letter_id: int) -> None:
    session = stage.session
    steps = session.steps(place)
    if move == "pick":
        stage.run(session.pick(place, ord("P") + letter_id), tokens)
    elif steps and move == "rewind":
        session.rewind(place, which % len(steps))
        stage.show()
    elif steps:
        stage.run(session.swap(place, which % len(steps), ord("S") + letter_id), tokens)


@given(MOVES)
@settings(max_examples=400, deadline=None)
def test_any_life_of_a_text_can_be_walked_back_and_forth(moves: list[tuple[str, object, object, object]]) -> None:
    stage = Stage()
    play(stage, moves)
    session = stage.session
    back, _ = session.timeline.steps
    states = [stage.state()]
    for _ in range(back):
        assert session.undo()
        stage.show()
        stage.check()
        states.append(stage.state())
    assert not session.undo() and not session.sequences, "all the way back there is nothing"
    for before in states[-2::-1]:
        assert session.redo()
        assert stage.state() == before


@given(MOVES)
@settings(max_examples=200, deadline=None)
def test_a_run_reads_what_is_shown(moves: list[tuple[str, object, object, object]]) -> None:
    stage = Stage()
    play(stage, moves)
    session = stage.session
    for place in range(len(session.sequences)):
        shown = session.writing.prompt + session.sequences[place].text
        job = session.go_on(place)
        stage.run(job)
        assert stage.read[-1] == shown == job.shown_prompt
        assert job.settings.seed == session.sequences[place].seed


@given(MOVES)
@settings(max_examples=200, deadline=None)
def test_every_run_edit_and_regeneration_is_one_step_and_undone_whole(
    moves: list[tuple[str, object, object, object]],
) -> None:
    stage = Stage()
    play(stage, moves)
    session = stage.session
    stage.run(session.begin("once"))
    for job in (lambda: session.go_on(1), lambda: session.regenerate(5), lambda: session.regenerate()):
        before, (steps, _) = stage.state(), session.timeline.steps
        stage.run(job(), 4)
        if stage.state() == before:  # with the same seed it may well be the same text
            assert session.timeline.steps[0] == steps
            continue
        assert session.timeline.steps[0] == steps + 1
        session.undo()
        assert stage.state() == before
        session.redo()


def letters(seed: int, start: int, end: int) -> str:
    return "".join(letter(seed, draw) for draw in range(start, end))


def test_rewound_and_gone_on_the_same_is_written_again_and_swapped_another() -> None:
    stage = Stage(SETTINGS.changed(num_return_sequences=1))
    session = stage.session
    stage.run(session.begin("p"))
    stage.run(session.go_on(0))
    whole = session.sequences[0].text
    session.rewind(0, 7)
    assert session.sequences[0].text == whole[:7] and session.sequences[0].tokens == 7
    stage.run(session.go_on(0), 3)
    assert session.sequences[0].text == whole, "the same road, on the same stream"
    stage.run(session.swap(0, 2, ord("X")), 5)
    assert session.sequences[0].text == whole[:2] + "X" + whole[3:7], "another token, and the stream goes on beside it"
    assert Piece("human", "X") in session.sequences[0].pieces
    session.undo()
    assert session.sequences[0].text == whole, "one step back"
    session.rewind(0, 4)
    stage.run(session.regenerate(50))
    assert session.sequences[0].text == whole[:4] + letters(50, 0, 5), "anew from where it was rewound to"


def test_each_token_knows_the_settings_that_it_obeyed() -> None:
    stage = Stage(SETTINGS.changed(num_return_sequences=1))
    session = stage.session
    stage.run(session.begin("p"), 3)
    session.change("temperature", 0.3)
    stage.run(session.go_on(0), 2)
    assert [step.settings.temperature for step in session.steps(0)] == [1.0, 1.5, 1.5, 0.3, 1.5]
    session.rewind(0, 3)
    assert session.writing.used is not None and session.writing.used.temperature == 0.3


def test_a_run_written_anew() -> None:
    stage = Stage(SETTINGS.changed(num_return_sequences=1))
    session = stage.session
    stage.run(session.begin("p"))
    assert session.sequences[0].text == letters(7, 0, 5)
    stage.run(session.regenerate(50))
    assert session.sequences[0].text == letters(50, 0, 5) and session.settings.seed == 50
    session.change("seed", 1)  # the next run's, and no business of the last one's
    stage.run(session.regenerate())
    assert session.sequences[0].text == letters(50, 0, 5) and session.settings.seed == 50 == session.sequences[0].seed


def test_only_what_was_gone_on_with_is_written_anew() -> None:
    stage = Stage()
    session = stage.session
    stage.run(session.begin("p"))
    stage.run(session.go_on(1))
    first = letters(8, 0, 5)
    assert session.sequences[1].text == first + letters(8, 5, 10) and session.sequences[1].seed == 8
    stage.run(session.regenerate(50))
    written = session.sequences[1]
    assert written.text == first + letters(50, 0, 5) and written.seed == 50 == session.settings.seed
    assert Piece("mark", "seed 8 → 50") in written.pieces and session.sequences[0].text == letters(7, 0, 5)
    stage.run(session.regenerate())
    assert session.sequences[1].text == written.text, "the same seed, and from the same place in its stream"
    stage.run(session.go_on(1))
    assert session.sequences[1].text == written.text + letters(50, 5, 10)
    assert session.sequences[1].tokens == 15


def test_a_text_cut_at_a_stop_is_read_without_what_was_cut() -> None:
    stage = Stage()
    session = stage.session
    stage.run(session.begin("p"), cut=2)
    assert session.sequences[0].text == letters(7, 0, 3)
    job = session.go_on(0)
    assert job.prompt == Begun("p", letters(7, 0, 3)) and job.drawn == 5


def test_half_a_character_gives_way_when_a_run_goes_on_also_after_an_edit() -> None:
    session = Session(SETTINGS.changed(num_return_sequences=1))
    session.begin("p")
    session.hear(Prepared("p", (1,)))
    session.hear(Token(0, 0, 2, "abc", -1.0))
    session.hear(Finished((events.Sequence((2, 3), "abc\ufffd", (), "cancelled", halved=True),), Timing(0, 0, 0)))
    assert session.sequences[0].text == "abc\ufffd"
    assert session.edit(0, "Abc\ufffd") and session.go_on(0).prompt == Begun("p", "Abc")


def test_a_refused_prompt_leaves_all_as_it_was_also_what_was_undone() -> None:
    stage = Stage()
    session = stage.session
    stage.run(session.begin("one"))
    stage.run(session.begin("two"))
    session.undo()
    before, steps = stage.state(), session.timeline.steps
    stage.run(session.begin("three"), end="refused")
    assert stage.state() == before and session.timeline.steps == steps and not session.running


def test_a_run_that_comes_to_nothing_is_no_step() -> None:
    stage = Stage()
    session = stage.session
    stage.run(session.begin("one"))
    steps = session.timeline.steps
    stage.run(session.go_on(0), tokens=0)
    assert session.timeline.steps == steps


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_seed_of_a_sequence_is_one_that_a_run_can_be_given(seed: int) -> None:
    session = Session(SETTINGS.changed(seed=seed, num_return_sequences=3))
    stage = Stage()
    stage.session = session
    stage.run(session.begin("p"))
    assert [written.seed for written in session.sequences] == [sequence_seed(seed, number) for number in range(3)]
    assert all(replace(SETTINGS, seed=written.seed) for written in session.sequences)
