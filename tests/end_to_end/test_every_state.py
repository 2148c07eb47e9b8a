"""In a real terminal: every key of the registry in every state, resizing on the way, and leaving from each state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.terminal import Terminal
from tests.end_to_end.test_any_terminal import KEYS, sent

WRITING = ["--length=-1", "--eos_token_id=off", "--prompt=Once upon"]
# How to get from a finished run to a state, and what then stands on the screen.
FROM_A_RUN = {
    "editing": ("alt+e", "esc takes it over"),
    "finding": ("ctrl+f", " find in "),
    "settings": ("ctrl+t", "one of greedy"),
    "help": ("alt+h", "Help"),
    "palette": ("ctrl+g", "Search"),
    "prompts": ("alt+p", "Earlier prompts"),
    "open": ("alt+o", "Open"),
    "save": ("ctrl+s", "Save as Markdown"),
}
STATES = ("loading", "empty", "typing", "running", "held", "finished", *FROM_A_RUN)


def bring(terminal: Terminal, state: str) -> None:
    """The session into a state."""
    if state == "loading":
        terminal.shows("Prompt")
        return
    terminal.shows("■ ready")
    if state == "typing":
        terminal.press("a river")
        terminal.shows("a river")
    if state in ("empty", "typing"):
        return
    terminal.press("ctrl+j")
    terminal.shows("new tokens")
    if state == "running":
        return
    if state == "held":
        terminal.press("ctrl+p")
        terminal.shows("⏸ paused")
        return
    terminal.press("escape")
    terminal.shows("stopped")
    if state in FROM_A_RUN:
        key, shown = FROM_A_RUN[state]
        terminal.press(sent(key))
        terminal.shows(shown)


@pytest.mark.parametrize("state", STATES)
def test_every_key(tmp_path: Path, state: str) -> None:
    with Terminal(WRITING, tmp_path) as terminal:
        before = terminal.modes()
        bring(terminal, state)
        for number, key in enumerate(KEYS):
            if number % 12 == 0:
                terminal.resize(60 + 3 * number, 16 + number // 2)
            terminal.press(sent(key))
        seen = len(terminal.raw)
        terminal.resize(120, 36)
        terminal.until(lambda: len(terminal.raw) > seen, "a frame of the new size")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0 and b"Traceback" not in terminal.raw
        assert terminal.modes() == before


@pytest.mark.parametrize("state", STATES)
def test_leaving(tmp_path: Path, state: str) -> None:
    with Terminal(WRITING, tmp_path) as terminal:
        before = terminal.modes()
        bring(terminal, state)
        terminal.press("ctrl+q")
        assert terminal.ends() == 0 and b"Traceback" not in terminal.raw
        assert terminal.modes() == before
