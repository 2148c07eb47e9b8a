"""alt with another key, as terminals send it: ESC and the character, maybe many in one burst."""

from __future__ import annotations

from textual._xterm_parser import XTermParser
from textual.events import Key

from tui import alt_keys


def heard(sent: str) -> list[str]:
    """The keys that are there without any rest after them."""
    alt_keys.hear()
    return [event.key for event in XTermParser().feed(sent) if isinstance(event, Key)]


def test_keys_that_follow_each_other_at_once_are_all_heard() -> None:
    assert heard("\x1bz\x1bz\x1by") == ["alt+z", "alt+z", "alt+y"]
    assert heard("\x1b4\x1b0\x1b,\x1b.\x1be" + "z") == ["alt+4", "alt+0", "alt+comma", "alt+full_stop", "alt+e", "z"]


def test_longer_sequences_are_still_themselves() -> None:
    assert heard("\x1bOR\x1b[A\x1b[1;3A\x1bz") == ["f3", "up", "alt+up", "alt+z"]
    assert heard("\x1bf") == ["ctrl+right"]
