"""The inspector: tokens as one types, the score, what could come next, the vocabulary and what is done with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine import Settings, load
from engine.inspection import next_token
from engine.models.loaded import LoadedModel
from engine.scoring import score_text
from engine.weighing_table import visible
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tests.tui.app.test_hostile_text import obeyed
from tui.screens.inspector import InspectorScreen

TEXT = "the old river"


@pytest.fixture(scope="module")
def model(tiny: Path) -> LoadedModel:
    return load(str(tiny), device="cpu")


async def opened(hand: Hand) -> InspectorScreen:
    await hand.press("alt+t")
    await hand.until(lambda: isinstance(hand.app.screen, InspectorScreen) and hand.app.screen._editor.has_focus)
    screen = hand.app.screen
    assert isinstance(screen, InspectorScreen)
    return screen


def squeezed(hand: Hand) -> str:
    """The screen's words, whatever stands between them."""
    return " ".join(hand.screen_text().replace("│", " ").split())


async def test_tokens_are_shown_as_one_types(record: Path, tiny: Path, model: LoadedModel) -> None:
    async with session(record, tiny, prompt=TEXT) as hand:
        screen = await opened(hand)
        await hand.until(lambda: screen._tokens)
        ids = model.tokenizer.encode(TEXT)
        cells = " ".join(visible(model.piece(i)) for i in ids)
        await hand.until(lambda: cells in squeezed(hand) and " ".join(map(str, ids)) in squeezed(hand))
        assert f"{len(ids)} tokens · {len(TEXT)} characters" in hand.screen_text()
        await hand.press("s")
        await hand.until(lambda: f"{len(TEXT) + 1} characters" in hand.screen_text())
        screen._editor.text = "a\n<|endoftext|>\x1b[@click=app.bell]"
        await hand.until(lambda: "1 special" in hand.screen_text())
        assert "<|endoftext|>*" in hand.screen_text() and "␊" in hand.screen_text() and not obeyed(hand)
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        assert hand.prompt.text == TEXT, "looking changes nothing"


async def test_ids_are_read_back(record: Path, tiny: Path, model: LoadedModel) -> None:
    async with session(record, tiny) as hand:
        screen = await opened(hand)
        screen._editor.text = str(model.tokenizer.encode(TEXT))
        await hand.until(lambda: f"As ids, these are: {TEXT}" in hand.screen_text())
        screen._editor.text = "5 300000"
        await hand.until(lambda: "token id 300000: must be within" in hand.screen_text())


async def test_the_score_is_the_engines_and_a_changed_text_is_scored_anew(
    record: Path, tiny: Path, model: LoadedModel
) -> None:
    async with session(record, tiny, prompt=TEXT) as hand:
        screen = await opened(hand)
        await hand.press("f3")
        wanted = score_text(model, TEXT, Settings())
        assert wanted.perplexity
        await hand.until(lambda: f"perplexity {wanted.perplexity:,.2f}" in squeezed(hand))
        assert wanted.tokens[0].score
        assert all(f"{token.score.surprisal:.1f}" in squeezed(hand) for token in wanted.tokens if token.score)
        assert "Most surprising:" in hand.screen_text()
        await hand.press("s")
        await hand.until(lambda: "The text has changed since" in hand.screen_text())
        await hand.press("f3")
        again = score_text(model, TEXT + "s", Settings())
        await hand.until(lambda: f"perplexity {again.perplexity:,.2f}" in squeezed(hand))
        screen._editor.text = ""
        await hand.press("f3")
        await hand.until(lambda: "no text to score" in hand.screen_text())


async def test_the_next_token_is_weighed_under_the_settings_of_now(
    record: Path, tiny: Path, model: LoadedModel
) -> None:
    settings = SHORT.changed(top_k=4, temperature=1.5)
    async with session(record, tiny, settings, prompt=TEXT) as hand:
        await opened(hand)
        await hand.press("f4")
        table = next_token(model, TEXT, settings, 20)
        await hand.until(lambda: "tokens left" in hand.screen_text())
        seen = squeezed(hand)
        assert "raw temperature top_k" in seen and "tokens left 300 300 4" in seen
        for candidate in table.candidates[:4]:
            assert f"{candidate.raw_probability:.4f}" in seen and f"{candidate.probability:.4f}" in seen
        assert f"entropy {table.raw_entropy:.2f}" in seen
        assert hand.running is False and not hand.lines("token"), "nothing was generated"


async def test_the_vocabulary_is_searched_and_what_is_found_is_put_to_use(
    record: Path, tiny: Path, model: LoadedModel
) -> None:
    async with session(record, tiny, prompt=TEXT) as hand:
        screen = await opened(hand)
        await hand.press("f5")
        await hand.until(lambda: "300 of 300 tokens" in hand.screen_text())
        await hand.press(*"contains e and length 3-")
        found = [i for i in range(300) if "e" in (t := model.piece(i)).casefold() and len(t.strip(" ")) >= 3]
        await hand.until(lambda: f"{len(found)} of 300 tokens" in hand.screen_text())
        assert [token.id for token in screen._found] == found

        def settings() -> Settings:
            return hand.app.session.settings

        await hand.press("f6")
        assert hand.app.clipboard == " ".join(map(str, found))
        await hand.press("f7")
        assert settings().suppress_tokens == tuple(found) and "will not come" in hand.screen_text()
        await hand.press("f9")
        await hand.until(lambda: len(hand.app.screen_stack) == 3)
        await hand.press("-", "2", "enter")
        await hand.until(lambda: hand.app.screen is screen)
        assert settings().sequence_bias == tuple(((i,), -2.0) for i in found)
        await hand.press("alt+u")
        assert settings().suppress_tokens == () and settings().sequence_bias is None
        await hand.press("f8")
        assert settings().suppress_tokens == tuple(i for i in range(300) if i not in found)
        await hand.press("alt+u")
        screen._search.value = "("
        await hand.until(lambda: "no regular expression" in hand.screen_text())
        screen._search.value = ""
        await hand.until(lambda: "300 of 300" in hand.screen_text())
        await hand.press("f7")
        assert "leave no token" in hand.screen_text()
        await hand.press("escape", "ctrl+j")
        await hand.until(lambda: hand.lines("finish"))


async def test_a_question_waits_for_the_run_and_is_given_up_with_the_screen(record: Path, tiny: Path) -> None:
    async with session(record, tiny, LONG, prompt=TEXT) as hand:
        await hand.press("ctrl+j")
        await hand.tokens(2)
        screen = await opened(hand)
        await hand.press("f3")
        await hand.until(lambda: "once the run under way has ended" in squeezed(hand))
        job = screen._asked
        assert job is not None
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        assert job.cancelled.is_set() and hand.running
        await hand.press("escape")
        await hand.finished()


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36)])
async def test_it_is_usable_at_any_size(record: Path, tiny: Path, size: tuple[int, int]) -> None:
    async with session(record, tiny, prompt=TEXT, size=size) as hand:
        screen = await opened(hand)
        for key, words in (("f2", "␣river"), ("f3", "perplexity"), ("f4", "tokens left"), ("f5", "of 300 tokens")):
            await hand.press(key)
            await hand.until(lambda words=words: words in squeezed(hand), f"{key} {words}")  # type: ignore[misc]
            assert screen._scroll.size.height >= 3
        await hand.press("pagedown")
        await hand.until(lambda: screen._scroll.scroll_y > 0)
        await asyncio.sleep(0)
