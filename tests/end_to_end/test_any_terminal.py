"""Terminals with few colours and none, and every key as the bytes that a terminal sends for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.terminal import Terminal
from tui.actions import ACTIONS

SENT = {"f2": "OQ", "f3": "OR", "f4": "OS", "f5": "[15~", "f6": "[17~", "f7": "[18~", "f8": "[19~", "f9": "[20~"}
SENT |= {"alt+up": "[1;3A", "alt+down": "[1;3B"}


def sent(key: str) -> str:
    """The bytes of a key."""
    if key in SENT:
        return "\x1b" + SENT[key]
    if key.startswith("ctrl+"):
        return chr(ord(key[-1]) & 0x1F)
    if key.startswith("alt+"):
        return "\x1b" + key[-1]
    return {"escape": "\x1b", "question_mark": "?"}.get(key, key)


KEYS = [key for action in ACTIONS if action.id not in ("quit", "suspend") for key in action.keys]


def test_every_key_in_the_middle_of_a_run(tmp_path: Path) -> None:
    with Terminal(["--length=-1", "--eos_token_id=off", "--prompt=Once"], tmp_path) as terminal:
        before = terminal.modes()
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.shows("new tokens")
        for key in KEYS:
            seen = len(terminal.raw)
            terminal.press(sent(key))
            if key == "escape":
                terminal.until(lambda seen=seen: len(terminal.raw) > seen, "something")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0 and b"Traceback" not in terminal.raw
        assert terminal.modes() == before
        assert b"\x1b[?1049l" in terminal.raw and b"\x1b[?25h" in terminal.raw, "the screen and the cursor of before"


@pytest.mark.parametrize(
    ("variables", "never"),
    [
        ({"TERM": "xterm", "COLORTERM": ""}, [b"38;2;", b"48;2;", b"38;5;"]),
        ({"TERM": "xterm-256color", "COLORTERM": ""}, [b"38;2;", b"48;2;"]),
        ({"NO_COLOR": "1"}, []),
        ({"TERM": "screen", "COLORTERM": ""}, [b"38;2;", b"48;2;"]),
    ],
    ids=["16 colours", "256 colours", "no colour", "screen"],
)
def test_with_few_colours(tmp_path: Path, variables: dict[str, str], never: list[bytes]) -> None:
    with Terminal(["--length=12", "--eos_token_id=off", "--prompt=Once"], tmp_path, variables=variables) as terminal:
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.shows("length reached")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
        assert [code for code in never if code in terminal.raw] == []
