"""Suspended and brought back by a shell with job control, pulled to other sizes, and the terminal as it was."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.end_to_end.terminal import Terminal, events, program

SHELL = ("setsid", "--ctty", "bash", "--norc", "--noprofile", "-i")
ENDLESS = ["--length=-1", "--eos_token_id=off"]


@pytest.mark.skipif(not (shutil.which("setsid") and shutil.which("bash")), reason="there is no shell with jobs here")
def test_a_run_is_suspended_and_goes_on_whole(tmp_path: Path) -> None:
    with Terminal([], tmp_path, SHELL) as terminal:
        terminal.press("PS1='at' PS2=; PS1=\"$PS1 the shell> \"\n")
        terminal.shows("at the shell>")
        terminal.press(" ".join([*program(), *ENDLESS, "--prompt=Once", "\n"]))
        terminal.shows("■ ready")
        inside = terminal.modes()
        terminal.press("ctrl+j")
        terminal.shows("new tokens")
        terminal.press("tab")  # from the prompt, where ctrl+z takes back what was typed
        terminal.press("ctrl+z")
        terminal.shows("Stopped")
        assert terminal.modes() != inside
        terminal.press("echo back $((40 + 2))\n")
        terminal.shows("back 42")
        terminal.press("fg\n")
        terminal.shows("▶ decoding")
        terminal.until(lambda: terminal.modes() == inside, "its own modes")
        for seen in (" textgen-tui  embedded", "─ Prompt ─", "F2 F3", "^Q quit"):
            terminal.shows(seen)
        terminal.until(lambda: "back 42" not in terminal.text(), "the screen without the shell")
        terminal.press("escape")
        terminal.shows("stopped")
        terminal.press("ctrl+q")
        terminal.shows("transcript: ")
        terminal.press("echo left with $?\n")
        terminal.shows("left with 0")
        terminal.press("exit\n")
        terminal.ends()
        [record] = terminal.transcripts()
    tokens = events(record, "token")
    assert [token["index"] for token in tokens] == list(range(len(tokens)))
    assert events(record, "finish")[0]["sequences"][0]["finish_reason"] == "cancelled"


def test_a_signal_from_outside_suspends_as_well(tmp_path: Path) -> None:
    with Terminal([*ENDLESS, "--prompt=Once"], tmp_path) as terminal:
        before = terminal.modes()
        terminal.shows("■ ready")
        inside = terminal.modes()
        for _ in range(2):
            terminal.process.send_signal(signal.SIGTSTP)
            terminal.until(lambda: terminal.modes() == before, "the modes of before")
            terminal.process.send_signal(signal.SIGCONT)
            terminal.until(lambda: terminal.modes() == inside, "its own modes")

        def runs() -> bool:
            """A key that comes before the input thread is back may be lost, as anybody's would: it is pressed again."""
            terminal.press("ctrl+j")
            return "new tokens" in terminal.text()

        terminal.until(runs, "tokens")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0 and terminal.modes() == before


def test_pulled_to_other_sizes_in_the_middle_of_a_run(tmp_path: Path) -> None:
    with Terminal([*ENDLESS, "--prompt=Once"], tmp_path) as terminal:
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.shows("new tokens")
        for columns, rows, seen, unseen in ((60, 16, "Output", "^Q quit"), (200, 50, "nothing to tell", "@")):
            terminal.resize(columns, rows)
            terminal.until(lambda s=seen, u=unseen: s in terminal.text() and u not in terminal.text(), seen)
            terminal.shows("new tokens")
        terminal.resize(80, 24)
        terminal.until(lambda: "^Q quit" in terminal.text() and "Settings" not in terminal.text(), "the narrow screen")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0 and b"Traceback" not in terminal.raw
