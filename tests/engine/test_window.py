"""The window's arithmetic, against one that drops tokens as the text grows."""

from __future__ import annotations

import pytest

from engine import PromptError, Settings
from engine.window import Window, end, notes, reach, slides, window

SLIDE = Settings(overflow="slide")


def dropped(length: int, size: int, head: int, block: int) -> list[int]:
    """The places left of a text that grew one token at a time, its oldest dropped where one more had no room."""
    left: list[int] = []
    for place in range(length):
        if len(left) + 2 > size:  # with this one there would be no room for the next
            left = left[:head] + left[head + block :]
        left.append(place)
    return left


@pytest.mark.parametrize(
    ("size", "head"), [(16, 0), (16, 1), (17, 4), (64, 1), (100, 0), (2, 0), (3, 0), (5, 2), (7, 4)]
)
def test_what_is_seen_is_what_is_left_of_a_growing_text(size: int, head: int) -> None:
    sliding = Window(size, head)
    kept = min(head, sliding.most - sliding.block)
    for length in range(1, 5 * size):
        first, rest = sliding.seen(length)
        seen = [*range(length)[first], *range(length)[rest]]
        assert seen == dropped(length, size, kept, sliding.block)
        assert len(seen) == length - sliding.out(length)


def test_three_quarters_at_least_are_seen_and_never_more_than_there_is_room_for() -> None:
    for size in range(16, 200):
        sliding = Window(size, 4)
        seen = [length - sliding.out(length) for length in range(size, 6 * size)]
        assert size - sliding.block <= min(seen) and max(seen) == size - 1
        assert sliding.block >= size // 4


def test_the_window_is_the_smaller_of_wish_and_positions() -> None:
    assert reach(SLIDE, None) is None and window(SLIDE, None, 0) is None
    assert reach(SLIDE, 64) == 64
    assert reach(SLIDE.changed(context_window=32), 64) == 32
    assert reach(SLIDE.changed(context_window=128), 64) == 64
    assert reach(SLIDE.changed(context_window=128), None) == 128
    assert window(SLIDE.changed(context_window=32), 64, 1) == Window(32, 1)


def test_a_text_ends_at_the_window_unless_it_slides() -> None:
    stop = Settings(context_window=32)
    assert (end(stop, 64), window(stop, 64, 0)) == (32, None)
    assert end(stop.changed(overflow="slide"), 64) is None
    assert end(Settings(), None) is None
    assert slides(SLIDE) and not slides(stop)


def test_a_window_without_room_for_a_token_cannot_slide() -> None:
    assert window(SLIDE, 1, 0) is None


def test_what_a_prompt_earns() -> None:
    assert [note.code for note in notes(Settings(max_new_tokens=5), 64, 60)] == ["length-clipped"]
    assert notes(Settings(max_new_tokens=4), 64, 60) == ()
    assert notes(SLIDE.changed(max_new_tokens=500), 64, 600) == ()
    assert [note.code for note in notes(SLIDE.changed(context_window=128), 64, 6)] == ["window-clipped"]
    with pytest.raises(PromptError, match="65 tokens long and the model takes 64: shorten it by 1, or set overflow"):
        notes(Settings(), 64, 65)
    with pytest.raises(PromptError, match="33 tokens long and the context window is 32"):
        notes(Settings(context_window=32), 64, 33)
