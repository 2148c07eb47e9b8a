"""The keys on a page of the help: a pane's own, as its class binds them, and those of the registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.widget import Widget

from tui.action import shown, types
from tui.actions import Actions
from tui.help.section import Row

# Text is wrapped everywhere, so nothing is there to be scrolled to.
_SIDEWAYS = frozenset({"scroll_left", "scroll_right", "page_left", "page_right"})


def own_keys(panes: Sequence[type[Widget]], taken: Collection[str]) -> tuple[Row, ...]:
    """What the keys of these classes do, what they inherit included, but for those that are `taken` before them.

    Keys of one action are one row; keys that terminals keep to themselves are left out.
    """
    rows: dict[str, tuple[str, list[str]]] = {}
    for pane in panes:
        for key, bound in pane._merge_bindings().key_to_bindings.items():
            binding = bound[-1]
            told = binding.description and binding.action not in _SIDEWAYS
            if told and key not in taken and not key.startswith("super+"):
                rows.setdefault(binding.action, (binding.description, []))[1].append(key)
    return tuple(Row(" ".join(map(shown, keys)), what) for what, keys in rows.values())


def everywhere(actions: Actions) -> frozenset[str]:
    """The keys that act before any pane has them."""
    return frozenset(binding.key for action in actions for binding in action.bindings() if binding.priority)


def action_keys(actions: Actions, *, typing: bool) -> tuple[Row, ...]:
    """What the keys of the registry do; where one is typing, those that type a character do not."""
    entries = ((entry, [key for key in entry.keys if not (typing and _typed(key))]) for entry in actions.entries())
    return tuple(Row(" ".join(map(shown, keys)), f"{entry.label}: {entry.help}") for entry, keys in entries if keys)


def _typed(key: str) -> bool:
    first, dash, last = key.partition("-")  # `1-9` stands for nine keys
    return types(first) or bool(dash and len(first) == len(last) == 1)


def without_keys(actions: Actions) -> tuple[Row, ...]:
    """What only the palette does, but for moving settings, which the panel does as well."""
    alone = (action for action in actions if not action.keys and "." not in action.id)
    return tuple(Row("", f"{action.label}: {action.help}") for action in alone)
