"""Adapters from the session: typed in the panel, switched off and on by hand, refused without harm to the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters import lora
from tests.models import tiny_gpt2
from tests.tui.app.driving import LONG, Hand, session


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the program was started in, with two adapters in it, and one that is none."""
    model = tiny_gpt2(n_positions=8192)
    for seed, name in enumerate(("poems", "tales")):
        lora(tmp_path / name, model, ["c_attn"], seed=seed)
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changes(hand: Hand) -> list[tuple[str, str]]:
    return [(line["from"], line["to"]) for line in hand.lines("change")]


async def test_they_are_switched_in_the_middle_of_a_run(tiny: Path, record: Path, here: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        for adapters in ("poems=0.8", "no such one", "tales=0.5, poems=0.2"):
            await hand.change(adapters=adapters)
            await hand.tokens(hand.app.session.new_tokens + 3)
        told = hand.note("adapters-refused")
        assert told is not None and told.text.startswith("adapter no such one: no such folder")
        assert told.text.endswith("the run goes on with adapters poems=0.8")
        for _ in range(2):
            hand.app.action_adapters()
            await hand.tokens(hand.app.session.new_tokens + 3)
        assert hand.running
        both = "tales=0.5, poems=0.2"
        assert changes(hand) == [("", "poems=0.8"), ("poems=0.8", both), (both, ""), ("", both)]
        files = [[one["name"] for one in line["adapters"]] for line in hand.lines("adapters")]
        assert files == [["poems"], ["tales", "poems"], [], ["tales", "poems"]]
        await hand.press("escape")
        await hand.finished()
        assert hand.lines("finish") and not hand.lines("failed")


async def test_a_run_that_cannot_have_them_says_so_and_the_session_lives(tiny: Path, record: Path, here: Path) -> None:
    async with session(record, tiny, LONG.changed(adapters="pictures", max_new_tokens=5), prompt="the old") as hand:
        await hand.run()
        (failed,) = hand.lines("failed")
        assert failed["error"].startswith("adapter pictures: no adapter_config.json in this folder")
        await hand.change(adapters="")
        hand.app.action_adapters()  # none were switched off
        await hand.run()
        assert hand.lines("finish")


async def test_a_name_is_completed_as_it_is_typed(tiny: Path, record: Path, here: Path) -> None:
    async with session(record, tiny, wait=False) as hand:
        hand.panel.focus()
        hand.panel.highlight("adapters")
        await hand.press("enter")
        await hand.until(lambda: hand.panel.editing == "adapters" and hand.panel._editor.has_focus)
        await hand.press("t")
        await hand.until(lambda: hand.panel._editor._suggestion == "tales")
        await hand.press("right", *"=.5, p")
        await hand.until(lambda: hand.panel._editor._suggestion == "tales=.5, poems")
        await hand.press("right", "enter")
        await hand.until(lambda: hand.app.session.settings.adapters == "tales=.5, poems")
