"""Turning: what shapes the next token."""

from __future__ import annotations

from tui.commands.base import SessionApp


class SettingCommands(SessionApp):
    """Settings, from any pane."""

    def action_nudge(self, name: str, by: int) -> None:
        """Move a setting a step from wherever the focus is."""
        self.change_settings(lambda: self.session.nudge(name, by))

    def action_settings(self) -> None:
        """To the settings and back."""
        self.main.turn_to_settings()
