"""From the start of the process to the first frame, against the smallest app that the same toolkit can show."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.driver import AWAITED, FirstFrameDriver
from tests.benchmarks.measure import SCREEN, Bench, Row, interleaved

SUBJECT = "start of the process to the first frame"
SESSION, MINIMAL = "the session", "a minimal Textual app"
REPOSITORY = Path(__file__).parents[2]

# The command itself, which wants a terminal; the driver stands in for one.
_SESSION = """
import sys
sys.stdin.isatty = sys.stdout.isatty = lambda: True
from tui.__main__ import main
main([])
"""
_MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("Output")
Minimal().run()
"""
_AWAITED = "Output"  # both show this word


def run(bench: Bench) -> list[Row]:
    told = interleaved(
        bench.rounds, {SESSION: lambda: _first_frame_s(_SESSION), MINIMAL: lambda: _first_frame_s(_MINIMAL)}
    )
    return [told.row(SUBJECT, SESSION, MINIMAL, "s", "lower")]


def _first_frame_s(script: str) -> float:
    driver = f"{FirstFrameDriver.__module__}:{FirstFrameDriver.__name__}"
    columns, lines = SCREEN
    environment = os.environ | {
        AWAITED: _AWAITED,
        "TEXTUAL_DRIVER": driver,
        "COLUMNS": str(columns),
        "LINES": str(lines),
    }
    start = time.time()  # the one clock that two processes share everywhere
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode or not done.stdout:
        raise RuntimeError(f"no frame was drawn: {done.stderr[-500:] or done.stdout[-500:]}")
    return float(done.stdout) - start
