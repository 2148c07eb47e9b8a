"""The number of tokens beside the prompt."""

from __future__ import annotations

import threading
from pathlib import Path

from textual.events import Key, Paste

from engine.settings import Settings
from tests.models import byte_level_tokenizer
from tests.tui.app.conftest import Gate
from tests.tui.app.driving import LONG, SHORT, Hand, session

PAGE = "The keeper of the lighthouse told the children of the river.\n" * 400


def count(text: str) -> int:
    return len(byte_level_tokenizer().encode(text))


async def subtitle(hand: Hand, text: str) -> None:
    await hand.until(lambda: hand.prompt.border_subtitle == text, f"{text!r}, not {hand.prompt.border_subtitle!r}")


async def test_the_count_follows_the_typing(small: Path, record: Path) -> None:
    async with session(record, small) as hand:
        await subtitle(hand, "0 tokens · 64 left")
        await hand.press("t")
        await subtitle(hand, "1 token · 63 left · 1 word · 1 character")
        await hand.press(*"he old river")
        await subtitle(
            hand, f"{count('the old river')} tokens · {64 - count('the old river')} left · 3 words · 13 characters"
        )
        assert f"{count('the old river')} tokens" in hand.screen_text()
        hand.prompt.text = "Q" * 70
        await subtitle(hand, "70 tokens · ✗ 6 too many · 1 word · 70 characters")
        hand.prompt.text = "Q" * 64
        await subtitle(hand, "64 tokens · 0 left · 1 word · 64 characters")


async def test_words_and_characters_give_way_where_it_is_narrow(small: Path, record: Path) -> None:
    async with session(record, small, prompt="the old river") as hand:
        tokens = count("the old river")
        await subtitle(hand, f"{tokens} tokens · {64 - tokens} left · 3 words · 13 characters")
        for width, shown in ((44, " · 3 words"), (30, "")):
            await hand.pilot.resize_terminal(width, 30)
            await subtitle(hand, f"{tokens} tokens · {64 - tokens} left{shown}")
            assert hand.prompt.border_subtitle in hand.screen_text()


async def test_without_a_model_words_and_characters_are_counted(record: Path, tiny: Path, gate: Gate) -> None:
    async with session(record, tiny, prompt="the old river", wait=False) as hand:
        await subtitle(hand, "3 words · 13 characters")
        gate.open.set()


async def test_the_written_text_is_counted_as_it_comes(record: Path, tiny: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(30)
        await hand.press("escape")
        await hand.finished()
        await hand.settle()
        text = hand.output.text(prompt=False)
        new = hand.app.session.new_tokens
        shown = hand.output.border_subtitle
        assert (
            shown == f"{new:,} new tokens · stopped · seed 42 · {len(text.split()):,} words · {len(text):,} characters"
        )


async def test_the_prefix_counts(small: Path, record: Path) -> None:
    async with session(record, small, SHORT.changed(prefix="QQQ"), prompt="QQ") as hand:
        await subtitle(hand, "5 tokens · 59 left · 1 word · 2 characters")
        await hand.change(prefix="")
        await subtitle(hand, "2 tokens · 62 left · 1 word · 2 characters")


async def test_a_pasted_page_is_counted_and_the_screen_goes_on(tiny: Path, record: Path) -> None:
    assert len(PAGE) > 20_000
    async with session(record, tiny, size=(160, 36)) as hand:
        hand.app.post_message(Paste(PAGE))
        await hand.until(lambda: hand.prompt.text == PAGE)
        tokens = count(PAGE)
        await subtitle(
            hand, f"{tokens:,} tokens · ✗ {tokens - 8192:,} too many · {400 * 11:,} words · {len(PAGE):,} characters"
        )
        await hand.press("x", "f3")
        tokens, length = tokens + 1, len(PAGE) + 1
        await subtitle(hand, f"{tokens:,} tokens · ✗ {tokens - 8192:,} too many · 4,401 words · {length:,} characters")
        assert hand.app.session.settings.temperature == 1.05
        assert hand.prompt.region.height < 20 and hand.output.region.height > 10


async def test_the_screen_does_not_wait_for_a_count_and_a_late_one_is_dropped(tiny: Path, record: Path) -> None:
    from dataclasses import replace

    async with session(record, tiny) as hand:
        facts = hand.app.session.facts
        assert facts is not None
        slow, begun = threading.Event(), threading.Event()

        def counted(text: str, _: Settings) -> int:
            if text == "slow":
                begun.set()
                slow.wait()
                return 1111
            return 22

        hand.app.session.facts = replace(facts, count_tokens=counted)
        hand.prompt.text = "slow"
        await hand.until(begun.is_set)
        hand.prompt.text = "quick"
        quick = "22 tokens · 8,170 left · 1 word · 5 characters"
        await subtitle(hand, quick)
        slow.set()
        await hand.settle()
        await subtitle(hand, quick)


async def test_a_pasted_page_can_be_taken_back(tiny: Path, record: Path) -> None:
    async with session(record, tiny) as hand:
        hand.app.post_message(Paste("".join(f"{n}\n" for n in range(40))))
        await hand.until(lambda: "39" in hand.prompt.text)
        await hand.press("ctrl+z")
        assert hand.prompt.text == ""
        await hand.press("ctrl+y")
        assert hand.prompt.text.startswith("0\n1\n")


async def test_a_burst_of_keys_runs_what_was_typed_before_the_run_key(tiny: Path, record: Path) -> None:
    async with session(record, tiny) as hand:
        for sign in "the old":
            hand.app.post_message(Key("space" if sign == " " else sign, sign))
        hand.app.post_message(Key("ctrl+j", None))
        await hand.until(lambda: bool(hand.lines("finish")))
        assert hand.lines("run")[0]["prompt"] == "the old"
