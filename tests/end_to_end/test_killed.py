"""A session killed at any moment: its record opens, has what was seen, and is gone on with at the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from engine.session.library import Library
from engine.session.reading import read
from engine.session.recovery import cut_off
from engine.settings import Settings
from tests.end_to_end.terminal import Terminal, environment
from tests.end_to_end.test_session import squeezed, tokens_seen
from tests.models import saved, tiny_gpt2
from tests.paths import REPOSITORY
from tui.restoring import restored

TIMES = 50
# A session without a screen: runs, changes, stops and edits through the worker, and each token is told as it is drawn.
WORKER = """
import os, sys, time
from pathlib import Path
from engine.events import Finished, Token
from engine.session.transcript import Transcript
from engine.settings import Settings
from engine.models import load
from tui.session import Session
from tui.jobs import LoadJob, ModelFacts, RecordJob, RunEvent
from tui.worker import Worker

worker = Worker(Transcript(Path(sys.argv[2]), make_folder=True))
session = Session(Settings(max_new_tokens=40, seed=int(sys.argv[3]), eos_token_id=()))
worker.start()
worker.put(LoadJob(sys.argv[1]))

def until(what):
    while True:
        while worker.outbox:
            item = worker.outbox.popleft()
            if isinstance(item, RunEvent) and item.run == session.run:
                session.hear(item.event)
                if isinstance(item.event, Token):
                    os.write(1, f"{item.run} {item.event.id} ".encode())
            if what(item):
                return
        time.sleep(0.001)

until(lambda item: isinstance(item, ModelFacts))
os.write(1, b"ready ")
worker.put(session.begin("the old"))
while True:
    until(lambda item: isinstance(item, RunEvent) and isinstance(item.event, Finished))
    if session.run % 3 == 0:
        session.edit(0, session.sequences[0].text[:20] + " mill")
        worker.put(RecordJob("edit", {"sequence": 0, "text": session.sequences[0].text}))
    worker.put(session.go_on(0) if session.run % 5 else session.begin("the new"))
    session.change("temperature", 1.0 + session.run % 4 / 10)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 with room for long texts."""
    return saved(tiny_gpt2(n_positions=8192), tmp_path_factory.mktemp("tiny"))


@pytest.mark.slow
def test_killed_at_any_of_fifty_moments_nothing_that_was_told_is_lost(tiny: Path, tmp_path: Path) -> None:
    """One process is forked for each moment, since only the first start of torch takes long."""
    random = Random(6)
    starter, went_on = _Starter(tiny, tmp_path), 0
    try:
        for number in range(TIMES):
            record = tmp_path / str(number) / "transcripts" / "cut.jsonl"
            told = starter.killed(record, number, random.uniform(0.02, 0.3))
            if not record.exists():  # it was too early even for the first line
                assert not told
                continue
            found = restored(record, Settings())
            runs: dict[int, list[int]] = {}
            run = 0
            for line in read(record):
                run += line["event"] == "run"
                if line["event"] == "token":
                    runs.setdefault(run, []).append(line["id"])
            for one, ids in told.items():
                assert runs.get(one, [])[: len(ids)] == ids, f"killed at moment {number}"
            session = found.session
            assert not session.running and not [line for line in found.trouble if "left out" not in line]
            if any(runs.values()):
                went_on += 1
                assert [entry.path for entry in cut_off(Library(record.parent))] == [record]
                assert session.can_go_on(0) and session.go_on(0).shown_prompt
        assert went_on > TIMES / 2
    finally:
        starter.close()


class _Starter:
    """A process that has loaded torch already, and forks a session whenever it is asked."""

    PROGRAM = (
        "import os, sys, torch\n"
        "torch.set_num_threads(1)\n"
        "import engine.generation, engine.models.load, tui.session, tui.worker\n"
        "program = sys.argv[1]\n"
        "for line in sys.stdin:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        sys.argv = ['worker', *line.split()]\n"
        "        exec(program)\n"
        "    os.write(1, f'pid {child} '.encode())\n"
        "    os.waitpid(child, 0)\n"
        "    os.write(1, b'dead ')\n"
    )

    def __init__(self, model: Path, data: Path) -> None:
        self._model = model
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM, WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            env=environment(data),
            bufsize=0,
        )

    def killed(self, record: Path, seed: int, after_s: float) -> dict[int, list[int]]:
        """Start a session, kill it so long after its model was there; the ids of the tokens that it told, by run."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{self._model} {record} {seed}\n".encode())
        told = b""
        child = 0
        while b"dead " not in told:
            told += (piece := os.read(self._process.stdout.fileno(), 65536))
            assert piece, "the starter has ended"
            if not child and b"ready " in told and b"pid " in told:
                child = int(told.partition(b"pid ")[2].split()[0])
                time.sleep(after_s)
                os.kill(child, signal.SIGKILL)
        words = told.replace(b"ready ", b"").replace(b"dead ", b"").replace(f"pid {child} ".encode(), b"").split()
        runs: dict[int, list[int]] = {}
        for run, token_id in zip(words[::2], words[1::2], strict=True):
            runs.setdefault(int(run), []).append(int(token_id))
        return runs

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def test_a_killed_session_is_offered_at_the_next_start_and_gone_on_with(tmp_path: Path) -> None:
    with Terminal(["--length=-1", "--eos_token_id=off", "--prompt=Once upon a time"], tmp_path) as terminal:
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.until(lambda: tokens_seen(terminal, "Once upon a time", 300), "tokens")
        terminal.signal(signal.SIGKILL)
        seen = squeezed(terminal.pane("Output")).replace("▌", "")
        [record] = terminal.transcripts()
    written = squeezed([restored(record, Settings()).session.sequences[0].text])
    # The frame in which the end came may be torn: what stood above its last two lines must be in the file.
    assert seen[:-120] in "Onceuponatime" + written
    with Terminal(["--length=8", "--eos_token_id=off"], tmp_path) as terminal:
        terminal.shows("Cut off")
        terminal.press("alt+g")
        terminal.shows("1 run.")
        terminal.until(lambda: seen[:60] in squeezed(terminal.pane("Output")), "what had been written")
        terminal.shows("■ ready")
        terminal.press("ctrl+o")
        terminal.shows("length reached")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0 and terminal.told_transcript() == record
    assert [line["event"] for line in read(record) if line["event"] in ("run", "finish", "end")] == [
        *("run", "run", "finish", "end")
    ]
