"""A fine-tuning in a process of its own: started, heard, stopped, left. The session goes on beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from engine.events import Progress
from engine.finetune.events import (
    ENDS,
    Compared,
    Evaluated,
    Event,
    Failed,
    Finished,
    Left,
    Sampled,
    Started,
    Step,
    from_line,
)

_NICE = 10
"""How far it steps back, so that the screen and a run of the session come first."""
_ROOT = Path(__file__).resolve().parents[1]


@dataclass
class TuningState:
    """What a fine-tuning has told so far."""

    stage: str = "starting"
    started: Started | None = None
    step: Step | None = None
    losses: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    best: Evaluated | None = None
    sample: Sampled | None = None
    compared: list[Compared] = field(default_factory=list)
    end: Finished | Left | Failed | None = None

    def hear(self, event: Event) -> None:
        """Take over what an event tells."""
        match event:
            case Progress(stage, done, total):
                self.stage = f"{stage} {100 * done // total}%" if total else stage
            case Started():
                self.started, self.stage = event, "training"
                self.losses, self.held_out = list(event.losses), list(event.held_out_losses)
            case Step():
                self.step = event
                self.losses.append((event.step, event.loss))
            case Evaluated():
                self.held_out.append((event.step, event.held_out_loss))
                self.best = event if event.best else self.best
            case Sampled():
                self.sample = event
            case Compared():
                self.stage = "comparing with the base"
                self.compared.append(event)
            case Finished() | Left() | Failed():
                self.end = event

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        if self.step is None:
            return self.started.step / self.started.steps if self.started else 0.0
        return self.step.step / self.step.steps


class Tuning:
    """The process, and what it told. Events wait in `heard` until somebody takes them over with `follow`."""

    def __init__(self, words: Sequence[str], command: Sequence[str] | None = None) -> None:
        """`words` are those of `textgen-tui finetune`. Raises `OSError` where no process can be started."""
        self.state = TuningState()
        self._heard: deque[Event] = deque()
        self._complaint = ""
        self._asked_to_end = False
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [*(command or (sys.executable, "-m", "tui", "finetune")), "--json", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
            start_new_session=True,  # a key pressed here is none for it, and it outlives this terminal's end
        )
        with suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)
        assert self._process.stdout is not None and self._process.stderr is not None
        self._complaints = threading.Thread(target=self._read_complaints, args=(self._process.stderr,), daemon=True)
        self._complaints.start()
        threading.Thread(target=self._read, args=(self._process.stdout,), name="tuning", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether it has not told its end."""
        return self.state.end is None

    def follow(self) -> bool:
        """Take over what was told since; whether there was anything."""
        any_told = bool(self._heard)
        while self._heard:
            self.state.hear(self._heard.popleft())
        return any_told

    def stop(self) -> None:
        """Have it end after its step and keep the best so far."""
        if not self._asked_to_end:  # a second signal would make it leave at once
            self._asked_to_end = True
            self._signal(signal.SIGINT)
            self.state.stage = "stopping: the best so far is kept"

    def leave(self) -> None:
        """Have it write a checkpoint and end, to be gone on with; nobody waits for that."""
        self._asked_to_end = True
        self._signal(signal.SIGTERM)
        self.state.stage = "leaving: a checkpoint is written"

    def _signal(self, number: signal.Signals) -> None:
        with suppress(OSError):
            self._process.send_signal(number)

    def _read(self, lines: IO[str]) -> None:
        ended = False
        for line in lines:
            try:
                event = from_line(line)
            except ValueError:
                continue  # a library that prints
            if event is not None:
                self._heard.append(event)
                ended = isinstance(event, ENDS)
        code = self._process.wait()
        self._complaints.join()
        if not ended:
            self._heard.append(Failed(self._why(code)))

    def _why(self, code: int) -> str:
        if self._asked_to_end and self._complaint in ("", "KeyboardInterrupt"):
            return "ended before it had anything to keep"
        return self._complaint.removeprefix("textgen-tui: ") or f"it ended without a word (exit status {code})"

    def _read_complaints(self, lines: IO[str]) -> None:
        for line in lines:
            if line.strip():
                self._complaint = " ".join(line.split())[:300]
