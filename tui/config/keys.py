"""The keys that the config file asks for, against the registry of actions: what cannot be had is said and left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.keys import Keys, _character_to_key

from engine.errors import shown as told
from tui.action import TYPED, shown
from tui.actions import Actions
from tui.config.declaration import Config
from tui.config.reading import nearest

# Terminals keep these for themselves, or send them as another key.
KEPT = {
    **dict.fromkeys(("f1", "f10", "f11", "f12"), "many terminals keep it for themselves"),
    "ctrl+i": "terminals send it as tab",
    "ctrl+m": "terminals send it as enter",
    "ctrl+h": "terminals send it as backspace",
    "ctrl+left_square_bracket": "terminals send it as escape",
}
NEEDED = "quit"
_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = frozenset(
    {key.value for key in Keys if key.value.isalnum() and len(key.value) > 1 and key.value != "return"}
    | {name for name in TYPED if len(name) > 1}
)


def configured(actions: Actions, config: Config) -> tuple[Actions, list[str]]:
    """The actions with the keys of the config, and a line for each entry that is left at its default."""
    complaints: list[str] = []

    def complain(id: str, what: str) -> None:
        keys = " ".join(map(shown, actions[id].keys)) if id in defaults else ""
        end = f"it keeps {keys}" if keys else "the entry is passed over"
        complaints.append(f"{config.lines.get(id, 'config')}: keys.{told(id)}: {what}; {end}")

    defaults = {action.id: action.keys for action in actions}
    wanted: dict[str, tuple[str, ...]] = {}
    for id, pressed in config.keys.items():
        if id not in defaults:
            complain(id, f"no such action{nearest(id, defaults)}")
        elif id == NEEDED and not pressed:
            complain(id, "it needs a key")
        elif refused := next(filter(None, map(_refusal, pressed)), None):
            complain(id, refused)
        else:
            wanted[id] = tuple(dict.fromkeys(map(normal, pressed)))
    while clash := _clash(defaults | wanted, wanted):
        key, id, other = clash
        complain(id, f"{key} is the key of {other} already; give that one another, or take another")
        del wanted[id]
    return actions.with_keys(wanted), complaints


def normal(key: str) -> str:
    """A key by the name that Textual gives it: `?` is `question_mark`, `Ctrl+P` is `ctrl+p`, `alt+?` too."""
    if len(key) == 1:
        return _character_to_key(key)
    *modifiers, last = _parts(key)
    # A single letter keeps its case: alt+G is another key than alt+g. With ctrl there is only one.
    if len(last) > 1 or "ctrl" in modifiers:
        last = last.lower()
    ordered = sorted(modifiers, key=lambda name: _MODIFIERS.index(name) if name in _MODIFIERS else 9)
    return "+".join([*ordered, _character_to_key(last) if len(last) == 1 else last])


def _parts(key: str) -> list[str]:
    head, _, last = key.rpartition("+")
    if not last and head:  # the plus itself
        head, last = head.rstrip("+"), "+"
    return [*(part.strip().lower() for part in head.split("+") if part), last.strip() or last]


def _refusal(key: str) -> str | None:
    name = normal(key) if key else ""
    if name in KEPT:
        return f"{told(key)} cannot be had: {KEPT[name]}"
    *modifiers, last = name.split("+")
    printable = len(last) == 1 and last.isprintable()
    if (printable or last in _NAMED) and all(modifier in _MODIFIERS for modifier in modifiers):
        return None
    return f"{told(key) or 'an empty text'} is no key{nearest(last, _NAMED)}"


def _clash(keys: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[str]]) -> tuple[str, str, str] | None:
    """A key that two actions have: (key, the action whose entry in the file gives way, the other one)."""
    owners: dict[str, str] = {}
    for id in (*(id for id in keys if id not in wanted), *wanted):
        for key in keys[id]:
            if (other := owners.setdefault(key, id)) != id:
                return key, id, other
    return None
