"""Where models lie on this machine that no hub brought."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path, user_state_path

UNFINISHED = ".unfinished"
"""How the name of a folder ends in which a model is still being made."""


def own_models() -> Path:
    """The folder for the user's own models, fine-tuned ones among them; it may not be there yet."""
    return user_data_path("textgen-tui") / "models"


def recent_models() -> Path:
    """The file that names the models loaded last."""
    return user_state_path("textgen-tui") / "recent_models.json"
