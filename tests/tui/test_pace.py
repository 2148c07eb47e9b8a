"""The reading pace, by a clock of the test's own."""

from __future__ import annotations

import pytest

from tui.pace import CHARACTERS_A_WORD, USUAL, Pace


@pytest.mark.parametrize("words", [0.5, 60, 250, 10_000])
@pytest.mark.parametrize("token", ["a", "word ", "considerably longer "])
@pytest.mark.parametrize("computing", [0.0, 0.4], ids=["no time", "some time"])
def test_so_many_words_come_in_a_minute(words: float, token: str, computing: float) -> None:
    """What the model takes for a token is part of the rest after the one before."""
    pace, now, shown = Pace(words), 0.0, 0
    each = len(token) * 60 / (words * CHARACTERS_A_WORD)
    for _ in range(50):
        now += pace.rest(token, now)
        now += min(computing, each) * 0.5
        shown += len(token)
    assert shown / CHARACTERS_A_WORD == pytest.approx(words * now / 60, rel=0.6)
    if not computing:
        assert shown / CHARACTERS_A_WORD == pytest.approx(words * now / 60)


def test_without_a_pace_there_is_no_rest() -> None:
    assert [Pace().rest("x" * 100, now) for now in (0.0, 5.0)] == [0, 0]


def test_a_slow_model_is_not_made_to_catch_up() -> None:
    pace = Pace(60)
    assert pace.rest("words ", 0.0) == 1
    assert pace.rest("words ", 1000.0) == 1
    assert pace.rest("words ", 1000.5) == 1.5


def test_it_is_switched_to_what_was_asked_for_or_to_what_is_usual() -> None:
    for words, on in ((0, USUAL), (400, 400)):
        pace = Pace(words)
        if words:
            assert pace.switch() == 0
        assert (pace.switch(), pace.switch(), pace.switch()) == (on, 0, on)
