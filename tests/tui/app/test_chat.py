"""A conversation in the session: the toggle, the next turn, and every way on from an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.conversation import Turn, turns
from tests.models import saved, tiny_chat
from tests.tui.app.driving import SHORT, session
from tui.screens.inspector import InspectorScreen

CHAT = SHORT.changed(chat=True)
ASKED = "<|im_start|>user\nthe old<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tiny_chat(), tmp_path_factory.mktemp("chat"))


async def test_the_toggle_is_seen_and_counted(chat: Path, record: Path) -> None:
    made = len(tiny_chat().tokenizer.encode(ASKED))
    async with session(record, chat, SHORT, prompt="the old") as hand:
        await hand.until(lambda: str(hand.prompt.border_subtitle).startswith("3 tokens"))
        await hand.app.run_action("chat")
        await hand.until(lambda: hand.prompt.border_title == "Prompt · chat")
        await hand.until(lambda: str(hand.prompt.border_subtitle).startswith(f"{made} tokens"))
        await hand.run()
        assert "chat" in hand.app.status.parts() and "┊assistant┊" in hand.screen_text()
        note = hand.note("chat-template")
        assert note is not None and note.text.endswith(ASKED)
        assert hand.output.text().startswith("the old") and "im_start" not in hand.output.text(), (
            "the prompt is as typed"
        )
        await hand.app.run_action("chat")
        await hand.until(lambda: str(hand.prompt.border_subtitle).startswith("3 tokens"))
        await hand.run()
        assert hand.note("chat-template") is None and "┊assistant┊" not in hand.screen_text()
        assert [line["text"] for line in hand.lines("prepared")] == [ASKED, "the old"]


async def test_a_conversation_goes_on_turn_by_turn(chat: Path, record: Path) -> None:
    async with session(record, chat, CHAT, prompt="the old") as hand:
        await hand.press("alt+minus")
        assert hand.prompt.text == "the old", "there is no answer yet"
        await hand.run()
        answer = hand.output.text()[len("the old") :]
        await hand.press("alt+minus")
        assert turns(hand.prompt.text) == [Turn("user", "the old"), Turn("assistant", answer.strip()), Turn("user", "")]
        await hand.press("alt+z")
        assert hand.prompt.text == "the old" and hand.output.text() == f"the old{answer}", "only the turn is taken back"
        await hand.press("alt+minus", *"and?")
        typed = hand.prompt.text
        await hand.press("alt+minus")
        assert hand.prompt.text == typed, "what is typed in the new turn is not written over"
        await hand.run()
        assert hand.lines("prepared")[1]["text"] == (
            f"{ASKED}{answer.strip()}<|im_end|>\n<|im_start|>user\nand?<|im_end|>\n<|im_start|>assistant\n"
        )
        await hand.press("alt+z")
        await hand.until(lambda: hand.prompt.text == "the old")
        assert hand.output.text() == f"the old{answer}"


async def test_an_answer_goes_on_also_where_it_was_edited(chat: Path, record: Path) -> None:
    async with session(record, chat, CHAT, prompt="the old") as hand:
        await hand.run()
        await hand.press("ctrl+o")
        await hand.finished()
        whole = [line["ids"] for line in hand.lines("prepared")]
        assert whole[1][: len(whole[0])] == whole[0], "the answer's own tokens are gone on with"
        assert hand.app.session.edit(0, "the lighthouse")
        hand.app.main.show_writing()
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.lines("prepared")[2]["text"] == f"{ASKED}the lighthouse"
        assert hand.output.text().startswith("the oldthe lighthouse")
        hand.output.focus()
        await hand.press("alt+t")
        await hand.until(lambda: isinstance(hand.app.screen, InspectorScreen))
        screen = hand.app.screen
        assert isinstance(screen, InspectorScreen)
        await hand.until(lambda: bool(screen._tokens))
        text = "".join(token.text for token in screen._tokens)
        assert text.startswith(f"{ASKED}the lighthouse")


async def test_a_model_without_a_template_says_so(small: Path, record: Path) -> None:
    async with session(record, small, CHAT, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.until(lambda: hand.note("failed") is not None)
        note = hand.note("failed")
        assert note is not None and "no chat template" in note.text and not hand.running
