"""The models' screen, and another model in the place of the loaded one."""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key

from engine.errors import Cancelled, LoadError
from engine.events import Progress
from engine.models.entry import Entry
from engine.models.recent import remembered
from tests.tui.app.conftest import Gate
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.model_list_actions import MODELS
from tui.screens.card import CardScreen
from tui.screens.models import ModelsScreen
from tui.widgets.model_list import ModelList

HOSTILE = "\x1b]0;owned\x07[/][@click=app.bell]\u202e"


@pytest.fixture
def shelf(tiny: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with three models in it; one of them cannot be loaded."""
    folder = tmp_path / "shelf"
    shutil.copytree(tiny, folder / "first")
    shutil.copytree(small, folder / "second")
    shutil.copytree(small, folder / "third")
    (folder / "third" / "model.safetensors").unlink()
    (folder / "second" / "README.md").write_text(f"---\nlicense: mit\n---\n# Limits\n{HOSTILE}")
    monkeypatch.chdir(folder)
    monkeypatch.setattr("engine.models.recent.recent_models", lambda: tmp_path / "recent.json")
    return folder


async def opened(hand: Hand) -> ModelsScreen:
    await hand.press("alt+comma")
    await hand.until(lambda: isinstance(hand.app.screen, ModelsScreen) and not hand.app.screen._reading, "the list")
    assert isinstance(hand.app.screen, ModelsScreen)
    return hand.app.screen


async def go_to(hand: Hand, name: str) -> None:
    """Type what narrows the list to one model."""
    hand.app.screen.query_one("Input").value = ""  # type: ignore[attr-defined]
    await hand.press(*name)
    rows = hand.app.screen.query_one(ModelList)
    await hand.until(lambda: rows.row is not None and rows.row.entry is not None and rows.row.name.endswith(name), name)


async def switch(hand: Hand, name: str) -> None:
    await opened(hand)
    await go_to(hand, name)
    await hand.press("enter")
    await hand.until(lambda: (facts := hand.app.session.facts) and facts.name.endswith(name), f"{name} loaded")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36)])
async def test_it_says_what_each_is_and_whether_it_has_room(
    tiny: Path, record: Path, shelf: Path, size: tuple[int, int]
) -> None:
    async with session(record, tiny, size=size) as hand:
        await opened(hand)
        screen = hand.screen_text()
        assert "embedded" in screen and (size[1] < 20 or ("With the program" in screen and "Folders" in screen))
        assert all(len(line) <= size[0] for line in hand.screen_lines())
        assert all(entry.shown in screen for entry in MODELS.entries() if entry.weight == 0)
        await go_to(hand, "second")
        await hand.until(lambda: "weights" in hand.screen_text() and "cache" in hand.screen_text(), "the estimate")
        if size[1] > 30:
            assert "64" in hand.screen_text() and "mit" in hand.screen_text(), "positions and licence"
            before = hand.screen_text()
            await hand.press("ctrl+p", "ctrl+p")
            await hand.until(lambda: "bfloat16" in hand.screen_text(), "another precision")
            await hand.until(lambda: "in bfloat16" in hand.screen_text() and hand.screen_text() != before)
        await go_to(hand, "third")
        await hand.until(lambda: "✗" in hand.screen_text())
        await hand.press("enter")
        assert isinstance(hand.app.screen, ModelsScreen), "what cannot be loaded is not tried"
        await hand.press("ctrl+x", "ctrl+n", "ctrl+r", "pageup", "pagedown", "up", "down", "escape", "escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)


async def test_the_card_is_shown_and_obeyed_in_nothing(tiny: Path, record: Path, shelf: Path) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        await opened(hand)
        await go_to(hand, "second")
        await hand.press("ctrl+d")
        await hand.until(lambda: isinstance(hand.app.screen, CardScreen) and "Licence  mit" in hand.screen_text())
        await hand.until(lambda: "[@click=app.bell]" in hand.screen_text(), "its text")
        assert "\x1b" not in hand.screen_text()
        await hand.press("escape", "escape", "escape")
        await hand.until(lambda: hand.app.screen is hand.app.main)
        hand.output.focus()
        await hand.press("M")
        await hand.until(lambda: isinstance(hand.app.screen, CardScreen) and "not told" in hand.screen_text())
        await hand.press("escape")


async def test_another_model_takes_the_place_and_the_text_goes_on(tiny: Path, record: Path, shelf: Path) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        await hand.run()
        weights = weakref.ref(hand.worker._model.model)  # type: ignore[union-attr]
        text = hand.app.session.sequences[0].text
        await switch(hand, "second")
        assert weights() is None, "the old weights are gone"
        assert hand.app.session.sequences[0].text == text and hand.note("another-model")
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.app.session.sequences[0].text.startswith(text)
        await switch(hand, "first")
        await hand.run()
        assert [Path(line["model"]["source"]).name for line in hand.lines("run")][1:] == ["second", "first"]
        await hand.until(lambda: next(iter(remembered())).endswith("first"), "what is loaded is remembered")
        await opened(hand)
        assert "▶" in hand.screen_text()


async def test_a_run_under_way_ends_before_the_model_goes(tiny: Path, record: Path, shelf: Path) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await hand.press("ctrl+j")
        await hand.tokens(3)
        await switch(hand, "second")
        assert not hand.running
    assert [line["sequences"][0]["finish_reason"] for line in hand.lines("finish")] == ["cancelled"]


async def test_a_model_that_fails_leaves_the_one_that_was_there(
    tiny: Path, record: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = shelf / "second" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    async with session(record, tiny, prompt="the old") as hand:
        before = hand.worker._model
        hand.app.switch_model(str(shelf / "second"))
        await hand.until(lambda: hand.note("load"), "why")
        await hand.loaded()
        assert hand.worker._model is before and hand.app.session.facts.name == str(tiny)  # type: ignore[union-attr]
        # Where both have no room at once the old one went first: it is loaded again.
        monkeypatch.setattr("tui.loading._BESIDE", 10**12)
        hand.pane(type(hand.app.notes)).clear()
        hand.app.switch_model(str(shelf / "second"))
        await hand.until(lambda: hand.note("before"), "that it comes again")
        await hand.loaded()
        assert hand.worker._model is not before and hand.app.session.facts.name == str(tiny)  # type: ignore[union-attr]
        await hand.run()
        assert len(hand.lines("token")) == 12


async def test_a_load_is_called_off(tiny: Path, record: Path, shelf: Path, gate: Gate) -> None:
    gate.open.set()
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        gate.open.clear()
        hand.app.switch_model(str(shelf / "second"))
        await hand.until(lambda: hand.stage == "loading")
        await hand.press("escape")
        gate.open.set()
        await hand.loaded()
        assert hand.app.session.facts.name == str(tiny) and not hand.note("load")  # type: ignore[union-attr]
        # A second wish takes the place of the first.
        gate.open.clear()
        hand.app.switch_model(str(shelf / "second"))
        hand.app.switch_model(str(shelf / "first"))
        gate.open.set()
        await hand.until(lambda: (facts := hand.app.session.facts) and facts.name.endswith("first"))
        assert not hand.note("load")


class Hub:
    """A hub whose download goes on as the test lets it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.go_on, self.error = folder, threading.Event(), ""
        self.asked: list[str] = []

    def search(self, text: str, limit: int) -> list[Entry]:
        self.asked.append(text)
        if text == "nothing":
            raise LoadError("the hub is out of reach")
        return [Entry(f"poets/{text}{HOSTILE}", "hub", None, "gpt2", 1_000_000)]

    def fetch(self, name: str, report: Callable[[Progress], None], revision: Any = None) -> Path:
        done = 0
        while not self.go_on.wait(0.02):
            done += 1000
            report(Progress("fetching", done, 1_000_000))
        if self.error:
            raise LoadError(self.error)
        shutil.copytree(self.folder / "second", self.folder / "fetched", dirs_exist_ok=True)
        return self.folder / "fetched"


@pytest.fixture
def hub(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(shelf)
    monkeypatch.setattr("engine.models.hub_search.search", hub.search)
    monkeypatch.setattr("engine.models.hub_search.remote_details", lambda name: (_ for _ in ()).throw(Cancelled()))
    monkeypatch.setattr("engine.models.hub.fetch", hub.fetch)
    return hub


async def test_the_hub_is_asked_only_when_it_is_told_to_and_a_download_leaves_the_session_alone(
    tiny: Path, record: Path, hub: Hub
) -> None:
    async with session(record, tiny, prompt="the old") as hand:
        screen = await opened(hand)
        await hand.press(*"nothing")
        await hand.until(lambda: "search the hub for" in hand.screen_text())
        assert hub.asked == []
        await hand.press("enter")
        await hand.until(lambda: "out of reach" in hand.screen_text())
        screen._field.value = ""
        await hand.press(*"sonnets", "enter")
        await hand.until(lambda: "On the hub" in hand.screen_text())
        assert hub.asked == ["nothing", "sonnets"] and "\x1b" not in hand.screen_text()
        await hand.press("enter")
        await hand.until(lambda: "kB of 1 MB" in hand.screen_text() and "kB/s" in hand.screen_text(), "how far it is")
        await hand.press("escape", "escape")
        await hand.until(lambda: hand.app.screen is hand.app.main and "fetching" in hand.screen_text())
        await hand.run()
        assert len(hand.lines("token")) == 12, "the session goes on meanwhile"
        await opened(hand)
        await hand.press("ctrl+x")
        await hand.until(lambda: not hand.app.fetching.running and "kept" in hand.screen_text())  # type: ignore[union-attr]
        hub.error = "the connection was cut"
        hub.go_on.set()
        hand.app.fetch_model("poets/sonnets")
        await hand.until(lambda: hand.note("fetch"))
        assert "what has come is kept" in hand.note("fetch").text  # type: ignore[union-attr]
        hub.error = ""
        hand.app.fetch_model("poets/sonnets")
        await hand.until(lambda: hand.note("fetched"))
        await hand.until(lambda: "poets/sonnets is on this machine now" in hand.screen_text())


async def test_enter_takes_what_was_typed_however_quickly(tiny: Path, record: Path, shelf: Path) -> None:
    shutil.copytree(shelf / "second", shelf / "a-second-one")
    async with session(record, tiny) as hand:
        await opened(hand)
        for key in "second":  # all at once, as a terminal hands over what a quick hand typed
            hand.app.post_message(Key(key, key))
        hand.app.post_message(Key("enter", "\r"))
        await hand.until(lambda: (facts := hand.app.session.facts) and facts.name.endswith("second"), "the one typed")
        assert hand.app.session.facts.name == str(shelf / "second")  # type: ignore[union-attr]


async def test_a_name_goes_before_a_family_of_that_name(tiny: Path, record: Path, shelf: Path) -> None:
    shutil.copytree(shelf / "first", shelf / "gpt2")
    async with session(record, tiny) as hand:
        await opened(hand)
        rows = hand.app.screen.query_one(ModelList)
        await hand.press(*"gpt2")
        await hand.until(lambda: rows.row is not None and rows.row.name == str(shelf / "gpt2"), "the model called so")
