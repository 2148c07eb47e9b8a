"""The prompt as an editor: the keys that people know, and texts that are too much for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key, Paste

from tests.tui.app.driving import Hand, session
from tests.tui.app.test_hostile_text import obeyed
from tui.widgets.prompt import LONGEST_LINE, MOST


async def paste(hand: Hand, text: str) -> None:
    hand.app.post_message(Paste(text))
    await hand.settle()


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["ctrl+a", "X"], "one two\nXthree four"),
        (["ctrl+a", "ctrl+e", "X"], "one two\nthree fourX"),
        (["ctrl+home", "X"], "Xone two\nthree four"),
        (["ctrl+home", "ctrl+end", "X"], "one two\nthree fourX"),
        (["ctrl+left", "X"], "one two\nthree Xfour"),
        (["alt+left", "alt+left", "X"], "one two\nXthree four"),
        (["ctrl+home", "alt+right", "X"], "oneX two\nthree four"),
        (["ctrl+w"], "one two\nthree "),
        (["ctrl+u"], "one two\n"),
        (["ctrl+home", "ctrl+k"], "\nthree four"),
        (["ctrl+home", "alt+d"], " two\nthree four"),
        (["shift+left", "shift+left", "X"], "one two\nthree foX"),
        (["ctrl+shift+home", "X"], "X"),
        (["alt+a", "X"], "X"),
        (["alt+a", "ctrl+x", "ctrl+v", "ctrl+v"], "one two\nthree four" * 2),
        (["ctrl+w", "ctrl+z"], "one two\nthree four"),
        (["ctrl+w", "ctrl+z", "ctrl+y"], "one two\nthree "),
    ],
    ids=" ".join,
)
async def test_the_keys_that_people_know(record: Path, tiny: Path, keys: list[str], text: str) -> None:
    async with session(record, tiny, prompt="one two\nthree four") as hand:
        hand.prompt.move_cursor(hand.prompt.document.end)
        await hand.press(*keys)
        assert hand.prompt.text == text


async def test_a_letter_with_alt_is_never_typed(record: Path, tiny: Path) -> None:
    """Terminals send the letter along; the editor would take it."""
    async with session(record, tiny, prompt="one two") as hand:
        for letter in "abdfz":
            hand.app.post_message(Key(f"alt+{letter}", letter))
        await hand.settle()
        assert hand.prompt.text == "one ", "all was selected, a word back, the word taken away; no letter"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (("x" * 59 + "\n") * (MOST // 60 + 1), f"takes {MOST:,}"),
        ("x" * (MOST - 2), f"takes {LONGEST_LINE:,} in one"),
    ],
    ids=["whole", "line"],
)
async def test_too_much_is_refused_in_a_line(record: Path, tiny: Path, text: str, why: str) -> None:
    async with session(record, tiny, prompt="ab") as hand:
        await paste(hand, text)
        note = hand.note("prompt")
        assert note is not None and why in note.text and hand.prompt.text == "ab"
        await paste(hand, "fits")
        assert hand.prompt.text == "fitsab"


async def test_a_line_does_not_grow_too_long_by_several_pastes(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        half = "x" * (LONGEST_LINE // 2 + 1)
        await paste(hand, half)
        assert hand.prompt.text == half
        await paste(hand, half)
        assert hand.prompt.text == half and hand.note("prompt")
        await paste(hand, f"\n{half}")
        assert hand.prompt.text == f"{half}\n{half}"
        hand.prompt.select_all()
        await paste(hand, half)
        assert hand.prompt.text == half, "what is replaced is room"


async def test_almost_a_megabyte_is_taken_and_typed_into(record: Path, tiny: Path) -> None:
    page = ("word " * 12 + "\n") * (MOST // 61 - 1)
    async with session(record, tiny) as hand:
        await paste(hand, page)
        await hand.until(lambda: hand.prompt.text == page)
        await hand.press("X", "ctrl+home", "Y")
        assert hand.prompt.text == f"Y{page}X" and not hand.notes


async def test_bytes_that_are_no_text_are_signs(record: Path, tiny: Path) -> None:
    async with session(record, tiny) as hand:
        await paste(hand, bytes(range(256)).decode("latin-1").replace("\xa0", "") * 20)
        assert not obeyed(hand) and "\x1b" in hand.prompt.text and "\x00" in hand.prompt.text


async def test_what_is_pasted_where_nobody_types_comes_into_the_prompt(record: Path, tiny: Path) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        await hand.run()
        hand.output.focus()
        hand.app.post_message(Paste(" river\nof"))
        await hand.until(lambda: "river" in hand.prompt.text)
        assert hand.prompt.has_focus and " river\nof" in hand.prompt.text
        await hand.press("ctrl+t")
        hand.app.post_message(Paste("mill"))
        await hand.until(lambda: "mill" in hand.prompt.text)
        assert hand.prompt.text.count("mill") == 1
