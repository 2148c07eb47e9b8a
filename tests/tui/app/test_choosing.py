"""What some families let one choose: CTRL's control codes, XLM's languages."""

from __future__ import annotations

from pathlib import Path

from tests.paths import GOLDEN, needs_golden
from tests.tui.app.driving import session
from tui.screens.chooser import Chooser
from tui.widgets.key_bar import KeyBar

CTRL, XLM = GOLDEN / "checkpoints" / "ctrl", GOLDEN / "checkpoints" / "xlm"
pytestmark = needs_golden


async def test_a_control_code_is_completed_as_one_types(record: Path) -> None:
    async with session(record, CTRL) as hand:
        await hand.press("B", "o", "o")
        await hand.until(lambda: hand.prompt.suggestion == "ks")
        await hand.press("right")
        assert hand.prompt.text == "Books"
        await hand.press("space", "x")
        assert hand.prompt.suggestion == ""


async def test_a_control_code_is_chosen_and_takes_the_place_of_another(record: Path) -> None:
    async with session(record, CTRL, prompt="A tale") as hand:
        assert "^E choose" in hand.screen_text() and hand.pane(KeyBar).hidden == frozenset()
        for narrowed, wanted in (("boo", "Books A tale"), ("sci", "Science A tale")):
            await hand.press("ctrl+e")
            await hand.until(lambda: isinstance(hand.app.screen, Chooser))
            await hand.press(*narrowed, "enter")
            await hand.until(lambda wanted=wanted: hand.prompt.text == wanted)  # type: ignore[misc]
        await hand.press("ctrl+e", "escape")
        assert hand.prompt.text == "Science A tale"
        await hand.run()
        assert "ctrl-no-control-code" not in [note.code for note in hand.notes]


async def test_a_prompt_without_a_control_code_earns_a_warning_before_the_first_token(record: Path) -> None:
    async with session(record, CTRL, prompt="Bookz about") as hand:
        await hand.run()
        [warning] = [note for note in hand.notes if note.code == "ctrl-no-control-code"]
        assert "Books" in warning.text and warning.level == "warning"
        events = [line["event"] for line in hand.lines()]
        assert events.index("note") < events.index("token")


async def test_a_run_asks_for_the_language_that_the_model_must_be_told(record: Path) -> None:
    async with session(record, XLM, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.until(lambda: isinstance(hand.app.screen, Chooser))
        assert not hand.running
        await hand.press("f", "r", "enter")
        await hand.until(lambda: hand.running or bool(hand.lines("finish")))
        await hand.finished()
        assert hand.app.session.settings.xlm_language == "fr"
        assert "The language is fr" in " ".join(note.text for note in hand.notes)
        await hand.run()
        assert len(hand.lines("finish")) == 2, "it is asked for once"
