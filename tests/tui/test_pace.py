"""The reading pace, by a clock of the test's own."""

from __future__ import annotations

import pytest

from tui.pace import CHARACTERS_A_WORD, USUAL, Pace


def shown_in(pace: Pace, seconds: int, frames: int = 30, token: str = "word ") -> int:
    """Characters let through in so many seconds of so many frames each."""
    count = 0
    for frame in range(seconds * frames):
        pace.frame(frame / frames)
        while pace.lets(token) and count < 10**6:
            count += len(token)
    return count


@pytest.mark.parametrize("words", [60, 250, 1000, 10_000])
@pytest.mark.parametrize("token", ["a", "word ", "considerably longer "])
def test_so_many_words_come_in_a_minute(words: int, token: str) -> None:
    shown = shown_in(Pace(words), 60, token=token) / CHARACTERS_A_WORD
    assert abs(shown - words) <= words * 0.02 + len(token)


def test_without_a_pace_all_comes_at_once() -> None:
    pace = Pace()
    pace.frame(0)
    assert all(pace.lets("x" * 100) for _ in range(1000))


def test_waiting_saves_nothing_up() -> None:
    pace = Pace(60)
    pace.frame(0)
    pace.frame(1000)
    let = sum(pace.lets("word ") for _ in range(100))
    assert let == 1


def test_it_is_switched_to_what_was_asked_for_or_to_what_is_usual() -> None:
    for words, on in ((0, USUAL), (400, 400)):
        pace = Pace(words)
        if words:
            assert pace.switch() == 0
        assert (pace.switch(), pace.switch(), pace.switch()) == (on, 0, on)
