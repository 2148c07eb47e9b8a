"""Fine-tuning beside the session: the form, a process that tells, stopping and leaving, and using what came of it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.finetune.events import Compared, Evaluated, Failed, Finished, Left, Sampled, Started, Step, to_line
from engine.models.places import own_models
from tests.tui.app.driving import LONG, Hand, session
from tui import tuning as processes
from tui.screens.finetune import FinetuneScreen

STARTED = Started("/x.unfinished", "tiny", "/keeper.txt", 1000, 1000, 900, 20, 2, 0, 8, 5.0, {"learning_rate": 1e-3})
STEPS = [Step(n, 8, n / 4, 5.0 - n / 4, 1e-3, 321.0, 65.0) for n in range(1, 9)]
HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold]"

SCRIPT = """
import json, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / "words").write_text(json.dumps(sys.argv[2:]))
stopped = []
signal.signal(signal.SIGINT, lambda *_: stopped.append("stopped"))
signal.signal(signal.SIGTERM, lambda *_: stopped.append("left"))
told = 0
while True:
    lines = (folder / "lines").read_text().splitlines() if (folder / "lines").exists() else []
    for line in lines[told:]:
        print(line, flush=True)
    told = max(told, len(lines))
    if stopped or any('"event": "%s"' % end in "".join(lines) for end in ("finished", "left", "failed")):
        for line in (folder / stopped[0]).read_text().splitlines() if stopped else []:
            print(line, flush=True)
        sys.exit(0)
    if (folder / "crash").exists():
        sys.exit((folder / "crash").read_text())
    time.sleep(0.02)
"""
"""Stands in for the command: prints what the test writes into a folder, and hears signals."""


class Puppet:
    """A training whose events the test tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def tells(self, *events: Any, file: str = "lines") -> None:
        """Have it print these from now on, or once it is told to end."""
        part = self.folder / "part"
        before = (self.folder / file).read_text() if (self.folder / file).exists() else ""
        part.write_text(before + "".join(to_line(event) + "\n" for event in events), encoding="utf-8")
        part.replace(self.folder / file)

    @property
    def words(self) -> list[str]:
        end = time.monotonic() + 60
        while not (self.folder / "words").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        return [str(word) for word in json.loads((self.folder / "words").read_text())]


@pytest.fixture
def puppet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Puppet:
    """In the place of every process that the session starts."""
    found = Puppet(tmp_path / "puppet")
    real = processes.Tuning.__init__

    def scripted(self: processes.Tuning, words: Any, command: Any = None) -> None:
        real(self, words, [sys.executable, "-c", SCRIPT, str(found.folder)])

    monkeypatch.setattr(processes.Tuning, "__init__", scripted)
    return found


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "keeper.txt"
    file.write_text("The old keeper told the children of the river. " * 40)
    return file


async def opened(hand: Hand) -> FinetuneScreen:
    await hand.press("alt+full_stop")
    await hand.until(lambda: isinstance(hand.app.screen, FinetuneScreen), "the screen")
    await hand.settle()
    screen = hand.app.screen
    assert isinstance(screen, FinetuneScreen)
    return screen


async def begun(hand: Hand, text: Path, **fields: str) -> FinetuneScreen:
    screen = await opened(hand)
    for name, value in {"text": str(text), **fields}.items():
        screen.form.fields[name].value = value
    await hand.press("enter")
    await hand.until(lambda: hand.app.tuning is not None, "the process")
    return screen


async def sees(hand: Hand, *texts: str) -> None:
    for wanted in texts:
        await hand.until(lambda wanted=wanted: wanted in hand.screen_text(), wanted)  # type: ignore[misc]


def finished(folder: Path, **changes: Any) -> Finished:
    return Finished(
        **(
            {"folder": str(folder), "adapter": False, "model": "tiny", "step": 4, "done": 8, "steps": 8}
            | {"base_loss": 5.0, "held_out_loss": 4.2}
            | changes
        )
    )


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36)])
async def test_from_the_form_to_the_comparison(
    tiny: Path, small: Path, record: Path, text: Path, puppet: Puppet, size: tuple[int, int]
) -> None:
    async with session(record, tiny, size=size, prompt="the old") as hand:
        screen = await opened(hand)
        await sees(hand, "text file", "enter begins")
        await hand.press("enter")
        await sees(hand, "a text file is missing")
        screen.form.fields["text"].value = "/nowhere/at-all.txt"
        await hand.press("enter")
        await sees(hand, "at-all.txt: there is no such file")
        screen.form.fields["learning_rate"].value = "fast"
        screen.form.fields["text"].value = str(text)
        await hand.press("enter")
        await sees(hand, "learning_rate fast: must be a number")
        screen.form.fields["learning_rate"].value = "2e-3"
        screen.form.method.focus()
        await hand.press("space", "enter")
        assert puppet.words[:3] == ["--json", "--text", str(text)]
        assert {f"--model_name_or_path={tiny}", "--learning_rate=2e-3", "--prompt=the old", "--lora"} <= {*puppet.words}
        await sees(hand, "starting")
        puppet.tells(STARTED, *STEPS[:4], Evaluated(4, 4.2, 66.7, True), Sampled(4, "the old", f" river {HOSTILE}"))
        await sees(hand, "50%", "step 4 of 8", "loss 4.000", "1:05 left", "esc close, it goes on")
        if size[1] > 16:
            await sees(hand, "321 tok/s", "best: 4.200", "●", "┄", "river ␛]0;owned␇␛[2J[bold]")
        await hand.press("escape")
        await hand.until(lambda: hand.app.screen is hand.app.main, "the panes")
        if size[0] > 60:
            await sees(hand, "tuning 50% 1:05")
        assert hand.app.tuning is not None and hand.app.tuning.running
        await opened(hand)
        await sees(hand, "50%")
        puppet.tells(*STEPS[4:], Compared("the old", f" BASE {HOSTILE}", " TUNED"), finished(small, why="stopped"))
        await sees(hand, "✓ held-out loss 5.000 before, 4.200 after", "u uses it", "BASE ␛]0;owned␇")
        await hand.until(lambda: "TUNED" in hand.screen_text() or hand.app.screen.size.height <= 16, "the tuned text")
        assert all(len(line) <= size[0] for line in hand.screen_lines())
        note = hand.note("tuned")
        assert note is not None and "4.200 after" in note.text
        await hand.press("u")
        await hand.until(
            lambda: hand.app.session.facts and hand.app.session.facts.name == str(small), "the tuned model"
        )


async def test_an_adapter_is_put_over_its_base(
    tiny: Path, record: Path, tmp_path: Path, text: Path, puppet: Puppet, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    async with session(record, tiny) as hand:
        monkeypatch.setattr(hand.app.session, "change", lambda name, value: given.append((name, value)))
        await begun(hand, text)
        puppet.tells(STARTED, *STEPS, finished(tmp_path / "lora", adapter=True, model=str(tiny)))
        await sees(hand, "the adapter of step 4")
        await hand.press("u")
        await hand.until(lambda: given, "the setting")
        assert given[0][0] == "adapters" and str(tmp_path / "lora") in str(given[0][1])
        assert hand.app.session.facts is not None and hand.app.session.facts.name == str(tiny)


async def test_the_session_goes_on_beside_it(tiny: Path, record: Path, text: Path, puppet: Puppet) -> None:
    async with session(record, tiny, LONG, prompt="the old") as hand:
        await begun(hand, text)
        puppet.tells(STARTED, STEPS[0])
        await sees(hand, "step 1 of 8")
        await hand.press("escape", "ctrl+j")
        await hand.tokens(5)
        puppet.tells(STEPS[1], Failed("no room left on cpu"))
        await hand.until(lambda: hand.note("tuned"), "the note")
        assert hand.running and "no room left on cpu" in hand.note("tuned").text  # type: ignore[union-attr]
        await hand.press("escape")
        await hand.finished()


@pytest.mark.parametrize(("key", "file", "end"), [("s", "stopped", "✓"), ("l", "left", "□")])
async def test_stopping_and_leaving(
    tiny: Path, record: Path, small: Path, text: Path, puppet: Puppet, key: str, file: str, end: str
) -> None:
    async with session(record, tiny) as hand:
        await begun(hand, text)
        puppet.tells(finished(small) if key == "s" else Left("/x.unfinished", 5), file=file)
        puppet.tells(STARTED, STEPS[0])
        await sees(hand, "step 1 of 8")
        await hand.press(key, key)  # a second press is none: a second signal would end it at once
        await sees(hand, end)
        if key == "l":
            await sees(hand, "left after step 5", "r goes on with it")
            (puppet.folder / "words").unlink()
            (puppet.folder / "lines").unlink()
            await hand.press("r")
            await hand.until(lambda: hand.app.tuning is not None and hand.app.tuning.running, "the other process")
            assert "--resume=/x.unfinished" in puppet.words
            puppet.tells(Failed("enough"))
            await sees(hand, "✗ enough")


async def test_one_that_is_ended_before_it_begins(tiny: Path, record: Path, text: Path, puppet: Puppet) -> None:
    async with session(record, tiny) as hand:
        await begun(hand, text)
        assert puppet.words
        puppet.tells(file="stopped")
        await hand.press("s")
        await sees(hand, "✗ ended before it had anything to keep", "n another")


async def test_a_crash_takes_nothing_with_it(tiny: Path, record: Path, text: Path, puppet: Puppet) -> None:
    async with session(record, tiny) as hand:
        await begun(hand, text)
        puppet.tells(STARTED, STEPS[0])
        await sees(hand, "step 1 of 8")
        (puppet.folder / "crash").write_text(f"textgen-tui: it broke {HOSTILE}")
        await sees(hand, "✗ it broke ␛]0;owned␇", "n another")
        await hand.press("n")
        await sees(hand, "text file", "enter begins")
        screen = hand.app.screen
        assert isinstance(screen, FinetuneScreen) and screen.form.fields["text"].value == str(text)


async def test_the_end_of_the_session_leaves_it(tiny: Path, record: Path, text: Path, puppet: Puppet) -> None:
    async with session(record, tiny) as hand:
        await begun(hand, text)
        puppet.tells(STARTED, STEPS[0])
        puppet.tells(Left("/x.unfinished", 1), file="left")
        await sees(hand, "step 1 of 8")
        process = hand.app.tuning._process  # type: ignore[union-attr]
        await hand.press("ctrl+q")
        await hand.until(lambda: process.poll() == 0, "the end of the process")
        assert hand.app.left_tuning == "/x.unfinished"


async def test_an_unfinished_one_is_offered(tiny: Path, record: Path, puppet: Puppet) -> None:
    folder = own_models() / "tales-tiny.unfinished"
    (folder / "checkpoint-40").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    try:
        async with session(record, tiny) as hand:
            await opened(hand)
            await sees(hand, "tales-tiny, at step 40. ^R goes on with it.")
            await hand.press("ctrl+r")
            await hand.until(lambda: hand.app.tuning is not None, "the process")
            assert f"--resume={folder}" in puppet.words
            puppet.tells(Failed("enough"))
            await sees(hand, "✗ enough")
    finally:
        for path in (folder / "checkpoint-40", folder):
            (path / "run.json").unlink(missing_ok=True)
            path.rmdir()


async def test_paths_are_completed(tiny: Path, record: Path, tmp_path: Path, text: Path) -> None:
    (tmp_path / "keepers").mkdir()
    async with session(record, tiny) as hand:
        screen = await opened(hand)
        field = screen.form.fields["text"]
        field.value = f"{tmp_path}/ke"
        await sees(hand, "tab completes: keepers/  keeper.txt")
        await hand.press("tab")
        assert field.value == f"{tmp_path}/keeper"
        field.value += "."
        await hand.press("tab")
        assert field.value == str(text) and hand.app.focused is field
        await hand.press("tab")
        assert hand.app.focused is screen.form.fields["model"]


@pytest.mark.slow
async def test_a_real_one(small: Path, record: Path, text: Path, tmp_path: Path) -> None:
    """The whole way, with the command itself."""
    async with session(record, small) as hand:
        await begun(hand, text, steps="4", block_size="16", batch_size="2", out=str(tmp_path / "tuned"))
        await sees(hand, "✓ held-out loss")
        await hand.press("u")
        await hand.until(
            lambda: hand.app.session.facts and hand.app.session.facts.name == str(tmp_path / "tuned"), "the tuned model"
        )
        await hand.run("The old")
        assert hand.lines("finish")
