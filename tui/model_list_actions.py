"""What can be done on the models' screen: its keys, footer, help and table are projections of this list."""

from __future__ import annotations

from tui.action import Action
from tui.actions import Actions

MODELS = Actions(
    (
        Action("models_take", ("enter",), "take", "load", "Load it; what only the hub has is fetched.", weight=0),
        Action("models_precision", ("ctrl+p",), "precision", "precision", "The next precision to load it in."),
        Action("models_device", ("ctrl+n",), "device", "device", "The next of this machine's devices to load it on."),
        Action("models_card", ("ctrl+d",), "card", "card", "Its card: licence, what it is for, limits."),
        Action("models_stop", ("ctrl+x",), "stop", "stop", "Stop the download or the load; what has come is kept."),
        Action("models_again", ("ctrl+r",), "again", "look again", "Look anew for what there is on this machine."),
        Action("models_close", ("escape",), "give_up", "close", "Clear what was typed, then close.", weight=0),
    )
)
