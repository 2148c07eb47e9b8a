"""A run from the key press to its end: what is shown, what is written down, what is noted."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key

from engine.safe_text import safe_text
from engine.settings import Settings
from tests.models import END, byte_level_tokenizer
from tests.scripted import scripted
from tests.tui.app.driving import LONG, SHORT, pieces, session
from tui.widgets.notes import NotesPane
from tui.widgets.output.texts import Texts


async def test_a_typed_prompt_is_written_on_and_everything_is_in_the_transcript(tiny: Path, record: Path) -> None:
    async with session(record, tiny) as hand:
        await hand.press(*"Once", "enter", *"upon")
        assert hand.prompt.text == "Once\nupon"
        await hand.run()
        [lines] = hand.runs()
        assert [line["event"] for line in lines] == ["run", "prepared", "prefill", *["token"] * 12, "finish"]
        run, prepared, prefill, *tokens, finish = lines
        assert run["prompt"] == prepared["text"] == "Once\nupon" and run["seed"] == 5
        assert run["model"]["name"] == str(tiny) and run["settings"]["max_new_tokens"] == 12
        assert prefill["tokens"] == len(prepared["ids"]) and prefill["reused"] == 0
        assert [token["index"] for token in tokens] == list(range(12))
        written = "".join(token["text"] for token in tokens)
        ending = {"text": written, "finish_reason": "length", "score": None, "drawn": 12, "halved": False}
        assert written and finish["sequences"] == [ending]
        assert hand.output.text() == "Once\nupon" + written
        assert hand.output.text(prompt=False) == written
        assert safe_text(written.split("\n")[0])[:12] in hand.screen_text()
        assert "12 new tokens" in hand.screen_text() and "length reached" in hand.screen_text()
        assert hand.stage == "ready" and not hand.output.streaming and not hand.panel.running


async def test_tokens_are_on_the_screen_while_the_run_goes_on(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        for count in (3, 30, 60):
            await hand.tokens(count)
            assert hand.running and hand.stage == "decoding" and hand.output.streaming
            shown = hand.output.text(prompt=False)
            recorded = "".join(line["text"] for line in hand.lines("token"))
            assert shown and recorded.startswith(shown), "what is shown must be in the file already"
        await hand.press("escape")
        await hand.finished()


async def test_the_same_prompt_and_seed_give_the_same_text_and_another_seed_another(tiny: Path, record: Path) -> None:
    async with session(record, tiny, prompt="the river") as hand:
        texts = []
        for seed in (5, 5, 6):
            await hand.change(seed=seed) if seed != hand.app.session.settings.seed else None
            await hand.run()
            texts.append(hand.output.text())
        assert texts[0] == texts[1] != texts[2]
        first, second, third = hand.runs()
        once, again = ([line | {"seconds": 0} for line in run if line["event"] == "token"] for run in (first, second))
        assert len(once) == 12 and once == again
        assert third[0]["seed"] == 6


async def test_an_empty_prompt_starts_from_the_models_own_beginning(tiny: Path, record: Path) -> None:
    async with session(record, tiny) as hand:
        await hand.run()
        assert hand.lines("prepared")[0]["ids"] == [END]
        assert hand.output.text() and len(hand.lines("token")) == 12


async def test_several_sequences_all_stream_and_each_can_be_shown(tiny: Path, record: Path) -> None:
    settings = SHORT.changed(num_return_sequences=3)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.run()
        lines = hand.lines("token")
        texts = ["".join(line["text"] for line in lines if line["sequence"] == number) for number in range(3)]
        assert len(set(texts)) == 3 and len(lines) == 36
        finished = hand.lines("finish")[0]["sequences"]
        assert [sequence["text"] for sequence in finished] == texts
        for number in (0, 1, 2, 0):
            assert hand.output.sequence == number
            assert f"[{number + 1}]" in hand.screen_text() and f"[{(number + 1) % 3 + 1}]" not in hand.screen_text()
            assert hand.output.text() == "the old" + texts[number]
            assert safe_text("the old" + texts[number].split("\n")[0])[:14] in hand.screen_text()
            await hand.press("ctrl+l")
            await hand.pilot.pause()
            assert "12 new tokens · length reached" in hand.screen_text()
        assert [hand.output.text(number, prompt=False) for number in range(3)] == texts


async def test_several_sequences_stream_side_by_side(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG.changed(num_return_sequences=3), prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.until(lambda: all(hand.output.text(number, prompt=False) for number in range(3)))
        assert hand.running
        await hand.press("escape")
        await hand.finished()
        ends = hand.lines("finish")[0]["sequences"]
        assert [end["text"] for end in ends] == [hand.output.text(number, prompt=False) for number in range(3)]


async def test_a_stop_text_cuts_what_is_shown(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", " river. THE END and more")
    async with session(record, model, SHORT.changed(stop_token="THE END", max_new_tokens=40), prompt="a") as hand:
        await hand.run()
        assert hand.output.text() == "a river. "
        assert "stop text" in hand.screen_text()
        [ending] = hand.lines("finish")[0]["sequences"]
        assert (ending["text"], ending["finish_reason"], ending["score"]) == (" river. ", "stop", None)
        assert "THE END" in "".join(line["text"] for line in hand.lines("token")), "the record keeps what was drawn"


async def test_the_end_of_the_text_is_shown_as_what_it_is(tmp_path: Path, record: Path) -> None:
    model = scripted(tmp_path / "model", "a", " river")
    async with session(record, model, Settings(max_new_tokens=40), prompt="a") as hand:
        await hand.run()
        assert pieces(hand.output)[-1] == ("special", "<|endoftext|>")
        assert [text for kind, text in pieces(hand.output) if kind == "model"] == [" river"]
        assert hand.lines("finish")[0]["sequences"][0]["finish_reason"] == "eos"
        assert "the model ended the text" in hand.screen_text()


async def test_the_notes_of_a_prompt(small: Path, record: Path) -> None:
    async with session(record, small, SHORT.changed(max_new_tokens=100), prompt="the old ") as hand:
        await hand.run()
        clipped, space = hand.note("length-clipped"), hand.note("trailing-space")
        assert clipped and clipped.level == "info" and "64" in clipped.text
        assert space and space.level == "info"
        hand.pane(NotesPane).scroll_home(animate=False)  # the newest are in view, and there is not room for all
        await hand.until(lambda: "ends with a space" in hand.screen_text())
        assert {"length-clipped", "positions-full", "trailing-space"} == {line["code"] for line in hand.lines("note")}
        assert len(hand.lines("token")) == 64 - len(hand.lines("prepared")[0]["ids"])
        await hand.change(max_new_tokens=5)
        await hand.run("the old")
        assert not hand.notes, "the notes are the last run's"


async def test_a_prompt_that_is_too_long_is_refused_and_the_session_goes_on(small: Path, record: Path) -> None:
    async with session(record, small, prompt="the old") as hand:
        await hand.run()
        before = hand.output.text()
        await hand.run("the " * 80)
        note = hand.note("failed")
        assert note and note.level == "error" and "shorten it by" in note.text and "\n" not in note.text
        assert "✗ the prompt is" in hand.screen_text() and hand.stage == "ready"
        assert [line["event"] for line in hand.runs()[1]] == ["run", "failed"]
        assert hand.output.text() == before, "what was there stays, also to go on from"
        await hand.press("ctrl+o")
        await hand.finished()
        # Half a character at the end of the first run is completed by the second.
        kept = before.removesuffix("\N{REPLACEMENT CHARACTER}")
        assert hand.output.text().startswith(kept) and len(hand.output.text()) > len(before)
        await hand.run("the")
        assert not hand.notes and [line["event"] for line in hand.runs()[3]].count("token") == 12


async def test_a_run_under_way_is_not_interrupted_by_another(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await hand.press("ctrl+j")
        await hand.settle()
        assert hand.app.session.run == 1 and hand.running and len(hand.lines("run")) == 1
        await hand.press("escape")
        await hand.finished()


async def test_a_run_that_changes_the_prompt_meanwhile_keeps_its_own(tiny: Path, record: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        hand.prompt.text = "another"
        await hand.press("escape")
        await hand.finished()
        assert hand.output.text().startswith("the old") and hand.lines("run")[0]["prompt"] == "the old"


@pytest.mark.parametrize("character", ["é", "→", "😀"])
async def test_a_character_of_several_tokens_is_shown_whole(tmp_path: Path, record: Path, character: str) -> None:
    ids = [byte_level_tokenizer().encode(sign)[0] for sign in "x"]
    whole = byte_level_tokenizer().encode(character)
    model = scripted(tmp_path / "model", "a", [*ids, *whole, *ids])
    async with session(record, model, SHORT.changed(max_new_tokens=2 + len(whole)), prompt="a") as hand:
        seen: set[str] = set()
        extend = Texts.extend

        def watched(texts: Texts, items: list[tuple[int, str, str]]) -> None:
            extend(texts, items)  # type: ignore[arg-type]
            seen.add(texts.document(0).text(prompt=False))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Texts, "extend", watched)
            await hand.run()
        assert hand.output.text(prompt=False) == f"x{character}x"
        assert seen and not any("\ufffd" in text for text in seen)


async def test_a_stop_in_the_middle_of_a_character_shows_what_the_record_says(tmp_path: Path, record: Path) -> None:
    first, *_ = byte_level_tokenizer().encode("→")
    model = scripted(tmp_path / "model", "a", [first], then=first)
    async with session(record, model, LONG, prompt="a") as hand:
        await hand.press("ctrl+n")
        await hand.until(lambda: hand.stage == "paused")
        assert hand.output.text(prompt=False) == ""
        await hand.press("escape")
        await hand.finished()
        assert hand.lines("finish")[0]["sequences"][0]["text"] == "\ufffd" == hand.output.text(prompt=False)


async def test_a_run_waits_for_all_that_was_typed_before_it(tiny: Path, record: Path) -> None:
    """Letters wait in the editor, and its own keys are on their way back from there."""
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        for key in ("x", "backspace", "ctrl+j"):
            hand.app.post_message(Key(key, key if len(key) == 1 else None))
        await hand.until(lambda: hand.lines("finish"))
        assert hand.lines("run")[0]["prompt"] == hand.prompt.text == "the old"
