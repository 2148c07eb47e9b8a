"""Turning: what shapes the next token."""

from __future__ import annotations

from engine.errors import SettingError
from engine.settings import Settings
from engine.settings.names import LIVE_SWITCHES, STRATEGIES
from tui.commands.base import SessionApp


class SettingCommands(SessionApp):
    """Settings, from any pane."""

    adapters_off = ""
    """Those that were switched off."""

    def action_nudge(self, name: str, by: int) -> None:
        """Move a setting a step from wherever the focus is."""
        self.change_settings(lambda: self.session.nudge(name, by))

    def action_settings(self) -> None:
        """To the settings and back."""
        self.main.turn_to_settings()

    def action_adapters(self) -> None:
        """The adapters off, and on again as they were."""
        now = self.session.settings.adapters
        wanted = "" if now else self.adapters_off
        if now:
            self.adapters_off = now
        elif not wanted:
            self.hint("No adapters are set: name some in the settings.")
            return
        self.change_settings(lambda: self.session.change("adapters", wanted))
        self.hint(f"Adapters: {now or 'off'} → {wanted or 'off'}.")

    def action_next_strategy(self) -> None:
        """Decode by the next strategy that works as things stand, and say which that is."""
        old = self.session.settings.strategy
        new, why = next_strategy(self.session.settings, live=self.session.running)
        if new is None:
            self.hint(f"{old} is the only strategy that works as things stand: {why}")
            return
        self.change_settings(lambda: self.session.change("strategy", new))
        self.hint(f"Strategy: {old} → {new}.")


def next_strategy(settings: Settings, *, live: bool) -> tuple[str | None, str]:
    """The strategy after this one that the other settings let be, and a run under way too; else why there is none."""
    place, why = STRATEGIES.index(settings.strategy), ""
    for name in STRATEGIES[place + 1 :] + STRATEGIES[:place]:
        if live and not any({settings.strategy, name} <= kin for kin in LIVE_SWITCHES):
            why = why or "a run is under way."
            continue
        try:
            settings.changed(strategy=name)
        except SettingError as error:
            why = why or str(error)
            continue
        return name, ""
    return None, why
