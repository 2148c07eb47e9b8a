"""Each token has its own numbers and its own class, through any life of a text, and each character its token's."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import events
from engine.events import Numbers, Token
from engine.settings import Settings
from tests.tui.test_session import MOVES, SETTINGS, Stage, play
from tui.colouring import LEVELS, MODES, SCALES, Colouring
from tui.jobs import RunJob
from tui.measures import Measures
from tui.steps import ids_before
from tui.widgets.output.shading import shades_of


def numbers(before: tuple[int, ...], token: int) -> Numbers:
    """What a model finds: it depends on all that is before a token, so another's are others."""
    random = Random(f"{before}{token}")
    return Numbers(-12 * random.random(), random.randrange(1, 300), 8 * random.random())


class Told(Stage):
    """A stage on which every other run tells numbers."""

    def run(self, job: RunJob, tokens: int = 5, end: str = "length", cut: int = 0) -> None:
        self.measuring = bool(job.number % 2)
        super().run(job, tokens, end, cut)

    def hear(self, event: events.Event) -> None:
        if isinstance(event, Token) and self.measuring:
            before = tuple(self.session._ids(self.session.place(event.sequence)))
            event = replace(event, numbers=numbers(before, event.id))
        super().hear(event)


def measure(measures: Measures, stage: Stage, sequence: int) -> int:
    """As the worker does; how many were to be measured."""
    passages = measures.lacking(stage.session.steps(sequence))
    for passage in passages:
        for part in range(passage.first, len(passage.written)):
            found = numbers(passage.prompt + passage.written[:part], passage.written[part])
            measures.take(passage.after(part - passage.first), [found])
    return sum(passage.count for passage in passages)


@given(MOVES)
@settings(max_examples=200, deadline=None)
def test_each_token_has_its_own_numbers(moves: list[tuple[str, object, object, object]]) -> None:
    stage = Told()
    play(stage, moves)
    session, measures = stage.session, Measures()
    for _ in range(1 + session.timeline.steps[0]):
        for sequence in range(len(session.sequences)):
            steps = session.steps(sequence)
            lacking = sum(map(measures.lacks, steps))
            assert measure(measures, stage, sequence) >= lacking and not measures.lacking(steps)
            for number, step in enumerate(steps):
                assert measures.of(step) == numbers(ids_before(steps, number), step.token.id)
        session.undo()


@given(MOVES, st.sampled_from([*SCALES, "settings"]), st.integers(4, 20))
@settings(max_examples=200, deadline=None)
def test_each_character_has_the_class_of_its_token(
    moves: list[tuple[str, object, object, object]], mode: str, width: int
) -> None:
    stage = Told()
    play(stage, moves)
    session, colouring = stage.session, Colouring(stage.session)
    colouring.mode = next(known for known in MODES if known == mode)
    for sequence in range(len(session.sequences)):
        measure(colouring.measures, stage, sequence)
        wanted = {}
        for step in session.steps(sequence):
            level = colouring._level(step) if mode != "settings" else None
            wanted |= dict.fromkeys(range(step.start, step.end), level)
        document, found, character = stage.shown[sequence], {}, 0
        for line in document.wrapped(width).lines:
            shades = shades_of(line, document, sequence, colouring.shades)
            position = line.start
            for kind, text in line.runs:
                for _ in text:
                    own = [shade.level for shade in shades if shade.start <= position < shade.end]
                    assert len(own) <= 1 and not (own and kind in ("prompt", "mark"))
                    if own:
                        found[character - len(session.writing.prompt)] = own[0]
                    character += kind != "mark"
                    position += 1
        assert found.keys() == wanted.keys() and colouring.lacking is None
        if mode != "settings":
            assert found == wanted
        else:
            check_settings(colouring, stage, sequence, found)


def check_settings(colouring: Colouring, stage: Stage, sequence: int, found: dict[int, int]) -> None:
    """Two tokens have one number where their temperature, the only setting that moves here, is one."""
    order: list[float] = []
    for step in stage.session.steps(sequence):
        if step.settings.temperature not in order:
            order.append(step.settings.temperature)
        assert all(
            found[place] == order.index(step.settings.temperature) % LEVELS for place in range(step.start, step.end)
        )
    assert len(colouring.legend(sequence)) == 1 + max(1, len(order))


def test_the_classes_hold_what_the_legend_says() -> None:
    def levels(mode: str, *told: Numbers) -> list[int]:
        return [SCALES[next(known for known in SCALES if known == mode)].level(each) for each in told]

    def likely(*chances: float) -> list[Numbers]:
        return [Numbers(math.log(chance) if chance else -math.inf, 1, 0.0) for chance in chances]

    assert levels("probability", *likely(1, 0.51, 0.49, 0.11, 0.09, 0.011, 0.009, 0)) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert levels("surprisal", *likely(1, 0.51, 0.49, 2**-3.9, 2**-4.1, 2**-7.9, 2**-8.1, 0)) == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
    ]
    assert levels("rank", *(Numbers(-1, rank, 0.0) for rank in (1, 2, 10, 11, 100, 101))) == [0, 1, 1, 2, 2, 3]
    assert levels("entropy", *(Numbers(-1, 1, bits) for bits in (0, 1, 1.1, 3, 3.1, 5, 5.1))) == [0, 0, 1, 1, 2, 2, 3]


def test_runs_that_go_on_are_measured_in_one_pass_and_what_is_guided_by_itself() -> None:
    stage = Stage(SETTINGS.changed(num_return_sequences=1))
    session = stage.session
    stage.run(session.begin("p"))
    stage.run(session.go_on(0))
    stage.run(session.swap(0, 7, ord("X")))
    [passage] = Measures().lacking(session.steps(0))
    assert passage.prompt == (ord("p"),) and passage.count == len(session.steps(0)) == 12
    session.change_together({"guidance_scale": 1.5})
    stage.run(session.go_on(0))
    first, second = Measures().lacking(session.steps(0))
    assert first == passage and second.prompt == passage.prompt + passage.written and second.count == 5


def test_the_legend_names_what_differs_and_tells_of_the_token_that_is_looked_at() -> None:
    stage = Told(Settings(max_new_tokens=5, seed=7))
    session = stage.session
    stage.run(session.begin("p"), 3)
    session.change_together({"top_p": 0.5, "seed": 9})
    stage.run(session.go_on(0), 1)
    colouring = Colouring(session)
    assert colouring.legend(0) == []
    colouring.mode = "settings"
    parts = colouring.legend(0, session.step(0, 3))
    assert [part.text for part in parts] == [
        "settings here", "3", "1 at first", "2 temperature 1.5", "3 top-p 0.5",
    ]  # fmt: skip
    colouring.mode = "rank"
    step = session.step(0, 1)
    assert step is not None and step.token.numbers is not None
    assert [part.text for part in colouring.legend(0, step)][:2] == ["rank here", str(step.token.numbers.rank)]
