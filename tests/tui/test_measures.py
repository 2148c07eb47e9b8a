"""What the worker measures in its spare time: broken off and gone on with, it is the same."""

from __future__ import annotations

import pytest

from engine.events import Numbers, Prepared
from engine.measuring import measure
from tests.models import PROMPT, SAMPLED, ids, play, tiny_gpt2
from tui.measures import Measured, Measuring, Name, Passage
from tui.steps import Origin

ORIGIN = Origin(Prepared("", PROMPT), 5, 0)


def passage(written: list[int]) -> Passage:
    names = tuple(Name(ORIGIN, number) for number in range(len(written)))
    return Passage(PROMPT, tuple(written), names, SAMPLED)


def found(told: list[Measured]) -> dict[int, Numbers]:
    return {
        each.passage.names[each.passage.first + place].number: numbers
        for each in told
        for place, numbers in enumerate(each.numbers)
    }


def test_broken_off_it_goes_on_where_it_was() -> None:
    model = tiny_gpt2()
    written = ids(play(model, PROMPT, SAMPLED))
    whole = [numbers for part in measure(model, PROMPT, written, SAMPLED) for numbers in part]
    measuring = Measuring()
    measuring.want([passage(written), passage(written[:3])])
    told: list[Measured] = []
    while measuring.unfinished:
        before = len(told)  # for something else after every part
        for each in measuring.tell(model, lambda: len(told) > before):  # noqa: B023
            told.append(each)
        play(model, PROMPT, SAMPLED)
        list(measure(model, PROMPT, written[:2], SAMPLED))  # who looks elsewhere in between
    assert [each.last for each in told] == [False] * (len(told) - 1) + [True] and len(told) > 3
    numbers = found(told)
    assert [numbers[place].rank for place in range(len(written))] == [each.rank for each in whole]
    assert [numbers[place].logprob for place in numbers] == pytest.approx([each.logprob for each in whole], abs=1e-4)


def test_what_cannot_be_measured_is_said_once_and_the_rest_goes_on() -> None:
    model = tiny_gpt2()
    measuring = Measuring()
    beyond = passage([3, model.vocabulary_size + 5, 3])
    measuring.want([beyond, passage([5, 6])])
    told = list(measuring.tell(model, lambda: False))
    assert told[0].error and "\n" not in told[0].error and not told[0].numbers
    assert len(found(told[1:])) == 2 and told[-1].last and not measuring.unfinished
