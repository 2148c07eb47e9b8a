"""Something that can be done, and its keys as Textual knows them and as people write them."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding
from textual.keys import _character_to_key, key_to_character

TYPED = frozenset(_character_to_key(chr(code)) for code in range(0x20, 0x7F))
"""What Textual calls the keys of the printable ASCII characters: `a`, `question_mark`."""
_SIGNS = {
    "escape": "esc",
    "enter": "enter",
    "question_mark": "?",
    "slash": "/",
    "comma": ",",
    "minus": "-",
    "plus": "+",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "full_stop": ".",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    `action` is Textual's action string on the app. A key that types a character acts where nobody is typing, any
    other one wherever the focus is, an editor included, unless the panes are to have it first (`everywhere` False).
    An action without a key is in the palette, and the config file can give it one.
    """

    id: str
    keys: tuple[str, ...]
    action: str
    label: str
    help: str
    everywhere: bool = True
    in_footer: bool = True
    together: str = ""
    """What the one line says that neighbours with the same text share."""
    weight: int = 1
    """How soon the footer leaves it out where it has no room: 0 last, 2 first."""

    @property
    def shown_key(self) -> str:
        """The first key as the footer shows it: `^J`, `F2`, `esc`; empty where there is none."""
        return shown(self.keys[0]) if self.keys else ""

    def bindings(self) -> list[Binding]:
        """Textual's bindings for it."""
        return [
            Binding(key, self.action, self.label, priority=self.everywhere and not types(key), show=False)
            for key in self.keys
        ]


def types(key: str) -> bool:
    """True for a key that puts a character into an editor."""
    character = key_to_character(key)  # which does not know all the names that Textual gives
    return key in TYPED or bool(character and character.isprintable()) or (key.startswith("shift+") and len(key) == 7)


def shown(key: str) -> str:
    """A key as people write it: `^J`, `F2`, `esc`, `alt+z`."""
    if key.startswith("ctrl+"):
        return "^" + shown(key.removeprefix("ctrl+")).upper()
    if key.startswith("alt+"):
        return "alt+" + shown(key.removeprefix("alt+"))
    if key.startswith("shift+"):
        return "S-" + shown(key.removeprefix("shift+"))
    return _SIGNS.get(key) or (key if len(key) == 1 else key.upper())
