"""Texts longer than the model's positions, in the session."""

from __future__ import annotations

from pathlib import Path

from tests.tui.app.driving import SHORT, Hand, session

LONG = SHORT.changed(overflow="slide", max_new_tokens=150)
PROMPT = "the old river and the other river"


def hidden(hand: Hand, sequence: int = 0) -> str:
    """The text that the view draws as out of sight."""
    document = hand.output.texts.documents[sequence]
    low, high = document.hidden
    return "".join(piece.text for piece in document._pieces)[low:high]


def is_text_of(text: str, decoded: str) -> bool:
    """The same but for a character that lies on the border, some of its bytes on either side."""
    return text[: len(decoded) - 1] == decoded[:-1] and abs(len(text) - len(decoded)) <= 1


def tokens(hand: Hand, run: int = -1) -> list[int]:
    return [line["id"] for line in hand.runs()[run] if line["event"] == "token"]


async def test_a_full_run_says_how_to_go_on_and_does(small: Path, record: Path) -> None:
    settings = SHORT.changed(max_new_tokens=-1)
    async with session(record, small, settings, prompt=PROMPT) as hand:
        await hand.run()
        note = hand.note("positions-full")
        assert note is not None and "overflow slide" in note.text
        assert "64 of 64" in hand.screen_text() and "out of sight" not in hand.screen_text()
        await hand.change(overflow="slide", max_new_tokens=30)
        await hand.press("ctrl+o")
        await hand.finished()
        await hand.settle()
        assert len(tokens(hand)) == 30
        out = hand.lines("forgot")[-1]["tokens"]
        assert out == 32 and f"┊ {out} out of sight" in hand.screen_text()
        assert f"{64 + 30 - out} of 64" in hand.screen_text()
        assert hidden(hand) and hand.output.text().startswith(hidden(hand))


async def test_what_is_dim_is_what_the_model_does_not_see(small: Path, record: Path) -> None:
    async with session(record, small, LONG, prompt=PROMPT) as hand:
        await hand.run()
        await hand.settle()
        whole = hand.lines("prepared")[0]["ids"] + tokens(hand)
        tokenizer = hand.worker._model.tokenizer  # type: ignore[union-attr]
        out = hand.lines("forgot")[-1]["tokens"]
        assert [line["tokens"] for line in hand.lines("forgot")] == list(range(16, out + 1, 16))
        assert is_text_of(hidden(hand), tokenizer.decode(whole[:out]))
        text = hand.screen_text()
        assert "┊" in text and hand.note("out-of-sight") is not None
        # Going on tells it again for the whole text.
        await hand.change(max_new_tokens=20)
        await hand.press("ctrl+o")
        await hand.finished()
        await hand.settle()
        out = hand.lines("forgot")[-1]["tokens"]
        whole += tokens(hand)
        assert is_text_of(hidden(hand), tokenizer.decode(whole[:out]))


async def test_each_sequence_has_its_own(small: Path, record: Path) -> None:
    async with session(record, small, LONG.changed(num_return_sequences=2), prompt=PROMPT) as hand:
        await hand.run()
        await hand.settle()
        assert hidden(hand, 0) and hidden(hand, 1) and hidden(hand, 0) != hidden(hand, 1)
        assert hand.output.text(0).startswith(hidden(hand, 0)) and hand.output.text(1).startswith(hidden(hand, 1))


async def test_a_new_run_is_wholly_in_sight(small: Path, record: Path) -> None:
    async with session(record, small, LONG, prompt=PROMPT) as hand:
        await hand.run()
        assert hidden(hand)
        await hand.change(max_new_tokens=5)
        await hand.run()
        await hand.settle()
        assert hidden(hand) == "" and "out of sight" not in hand.screen_text()


async def test_turned_on_while_a_run_is_held(small: Path, record: Path) -> None:
    async with session(record, small, LONG.changed(overflow="stop"), prompt=PROMPT) as hand:
        await hand.press("ctrl+n")
        await hand.tokens(1)
        await hand.change(overflow="slide")
        await hand.press("ctrl+p")
        await hand.finished()
        assert len(tokens(hand)) == 150


async def test_a_prompt_that_is_too_long_is_cut_at_its_front(small: Path, record: Path) -> None:
    async with session(record, small, LONG.changed(max_new_tokens=3), prompt="QR" * 50) as hand:
        await hand.until(lambda: str(hand.prompt.border_subtitle).startswith("100 tokens · ┊ 48 out of sight"))
        await hand.run()
        await hand.settle()
        assert hidden(hand) == "QR" * 24
        await hand.change(overflow="stop")
        await hand.until(lambda: str(hand.prompt.border_subtitle).startswith("100 tokens · ✗ 36 too many"))
        await hand.run()
        note = hand.note("failed")
        assert note is not None and "set overflow to slide" in note.text
        assert hidden(hand) == "QR" * 24


async def test_a_window_shows_as_what_there_is_to_see(small: Path, record: Path) -> None:
    settings = SHORT.changed(overflow="slide", context_window=32, max_new_tokens=40)
    async with session(record, small, settings, prompt="the old") as hand:
        await hand.run()
        await hand.settle()
        assert " of 32 " in hand.screen_text()
