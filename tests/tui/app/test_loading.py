"""Models that come late, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import REPOSITORY
from tests.tui.app.conftest import Gate
from tests.tui.app.driving import SHORT, session
from tui.widgets.status import TitleLine

FIRST_FRAME = """
import asyncio
import json
import os
import sys
from pathlib import Path

os.environ["TEXTUAL_DRIVER"] = "__main__:Watching"

from textual.drivers.headless_driver import HeadlessDriver

from engine.session.transcript import Transcript
from engine.settings import Settings
from tui.app import TextgenApp
from tui.jobs import LoadJob

HEAVY = ("torch", "transformers", "tokenizers", "numpy")
seen = {}


class Watching(HeadlessDriver):
    is_headless = False

    def write(self, data):
        if "Prompt" in data and "Output" in data and "painted" not in seen:
            seen["painted"] = [name for name in HEAVY if name in sys.modules]


async def leave_when_loaded(pilot):
    while app.session.facts is None:
        await asyncio.sleep(0.05)
    seen["loaded"] = [name for name in HEAVY if name in sys.modules]
    await app.action_quit()


app = TextgenApp(Settings(), LoadJob(sys.argv[1]), Transcript(Path("unused.jsonl")))
app.run(size=(120, 36), auto_pilot=leave_when_loaded)
print(json.dumps(seen))
"""


def test_the_first_frame_is_painted_before_torch_is_imported(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "session.py").write_text(FIRST_FRAME)
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "session.py", str(tiny)]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout.splitlines()[-1])
    assert seen == {"painted": [], "loaded": ["torch", "transformers", "tokenizers", "numpy"]}
    assert not (tmp_path / "unused.jsonl").exists(), "a session without a run leaves no file"


async def test_a_run_asked_for_while_the_model_loads_starts_when_it_is_there(
    tiny: Path, record: Path, gate: Gate
) -> None:
    async with session(record, tiny, prompt="the old", wait=False) as hand:
        await hand.press("ctrl+j")
        await hand.settle()
        assert hand.running and hand.stage == "loading" and not record.exists()
        assert "loading" in hand.screen_text()
        gate.open.set()
        await hand.finished()
        assert len(hand.lines("token")) == 12
        assert hand.pane(TitleLine).facts is not None and str(tiny)[-20:] in hand.screen_text()


async def test_settings_and_a_stop_that_come_before_the_model_count(tiny: Path, record: Path, gate: Gate) -> None:
    async with session(record, tiny, prompt="the old", wait=False) as hand:
        await hand.press("f3", "ctrl+j", "f3", "escape")
        gate.open.set()
        await hand.finished()
        assert not hand.lines("token")
        assert hand.lines("finish")[0]["sequences"][0]["finish_reason"] == "cancelled"
        await hand.run()
        assert hand.runs()[1][0]["settings"]["temperature"] == 1.1 and len(hand.lines("token")) == 12


@pytest.fixture
def broken(tiny: Path, tmp_path: Path) -> Path:
    """The tiny model with weights that were cut short."""
    folder = tmp_path / "broken"
    shutil.copytree(tiny, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    return folder


@pytest.mark.parametrize("kind", ["unknown", "broken", "empty"])
@pytest.mark.parametrize("early", [False, True], ids=["later", "asked for early"])
async def test_a_model_that_cannot_be_loaded_is_noted_and_the_embedded_one_taken(
    tmp_path: Path, record: Path, broken: Path, gate: Gate, kind: str, early: bool
) -> None:
    (tmp_path / "empty").mkdir()
    folder = {"unknown": tmp_path / "nowhere", "broken": broken, "empty": tmp_path / "empty"}[kind]
    async with session(record, folder, prompt="Once upon a time", wait=False) as hand:
        if early:
            await hand.press("ctrl+j")
        gate.open.set()
        await hand.loaded()
        failed, instead = hand.note("load"), hand.note("embedded")
        assert failed and failed.level == "error" and str(folder) in failed.text and "\n" not in failed.text
        assert instead and instead.level == "info"
        if not early:
            await hand.press("ctrl+j")
        await hand.finished()
        assert hand.lines("run")[0]["model"]["name"] == "embedded" and len(hand.lines("token")) == 12


async def test_where_no_model_can_be_loaded_the_session_says_so_and_stays(
    tmp_path: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.models.resolve.CHECKPOINT", tmp_path / "gone")
    async with session(record, None, SHORT, prompt="the old", wait=False) as hand:
        await hand.until(lambda: hand.stage == "no model")
        assert hand.note("load") and "no model" in hand.screen_text()
        await hand.press("f3", "ctrl+t", "ctrl+t", "ctrl+j", "escape")
        await hand.settle()
        assert hand.app.is_running and hand.app.session.settings.temperature == 1.05
