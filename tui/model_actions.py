"""What can be done about models in the session; what can be done among them is in `tui/model_list_actions.py`."""

from __future__ import annotations

from tui.action import Action

OF_MODELS = (
    Action(
        "models",
        ("alt+comma", "m"),
        "models",
        "models",
        "All models, on this machine and on the hub: look whether one has room, fetch it, load it.",
        weight=1,
    ),
    Action(
        "card",
        ("M",),
        "card",
        "card",
        "The card of the loaded model: its licence, what it is for, what its limits are.",
        in_footer=False,
    ),
)
