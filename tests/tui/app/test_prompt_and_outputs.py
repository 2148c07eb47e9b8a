"""What the session makes of a healed prompt, and of outputs that are for programs."""

from __future__ import annotations

from pathlib import Path

from engine import Settings
from tests.tui.app.driving import session

PROMPT = "Once upon a time there was a li"


async def test_a_healed_prompt_reads_on_and_goes_on(record: Path) -> None:
    settings = Settings(strategy="greedy", token_healing=True, output_scores=True, max_new_tokens=8)
    async with session(record, None, settings, prompt=PROMPT) as hand:
        await hand.run()
        whole = hand.output.text()
        assert whole.startswith("Once upon a time there was a little")
        note, unseen = hand.note("healed"), hand.note("outputs-unseen")
        assert note is not None and "“ li”" in note.text
        assert unseen is not None and "output_scores" in unseen.text
        await hand.change(max_new_tokens=4)
        await hand.run()
        half = hand.output.text()
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text() == whole != half
        texts = ["".join(line["text"] for line in run if line["event"] == "token") for run in hand.runs()]
        assert PROMPT + texts[1] == half and half + texts[2] == whole
