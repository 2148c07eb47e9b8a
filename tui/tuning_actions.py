"""Fine-tuning in the session; its own keys are in `tui/screens/finetune.py`."""

from __future__ import annotations

from tui.action import Action

TUNING = (
    Action(
        "finetune",
        ("alt+full_stop", "f"),
        "finetune",
        "fine-tune",
        "Train the model on a text file, whole or by a LoRA, while the session goes on; then compare it and use it.",
        in_footer=False,
    ),
)
