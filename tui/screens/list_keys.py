"""The keys of a screen with a list below a field: they act while one types.

Enter alone waits for its turn: it goes through the field, behind what was typed before it, or a quick hand would take
what was highlighted a letter ago. The screen hears of it by `Input.Submitted`.
"""

from __future__ import annotations

from textual.binding import Binding

from tui.actions import Actions

_MOVES = (("up", "move", -1), ("down", "move", 1), ("pageup", "page", -1), ("pagedown", "page", 1))


def list_keys(actions: Actions, screen: str) -> list[Binding]:
    """Those of the actions, and those that move in the list, by `action_move` and `action_page`."""
    own = [(key, action.action, action.label, action.id) for action in actions for key in action.keys]
    moves = [(key, f"{what}({by})", "", key) for key, what, by in _MOVES]
    return [
        Binding(key, action, label, id=f"{screen}.{id}", show=False, priority=key != "enter")
        for key, action, label, id in (*own, *moves)
    ]
