"""An app that holds the panel alone and answers it as the real one does."""

from __future__ import annotations

from textual.app import App, ComposeResult

from engine.settings import Settings
from tui.widgets.settings_panel import SettingsPanel

PRIMARY = ("strategy", "temperature", "top_k", "max_new_tokens", "seed")
HINTS = {"temperature": "F3 F4", "top_k": "F5 F6"}


class PanelApp(App[None]):
    """Keeps the settings, and every message of the panel."""

    CSS = "SettingsPanel { height: 100%; }"

    def __init__(self, settings: Settings | None = None, primary: tuple[str, ...] = PRIMARY) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.panel = SettingsPanel(self.settings, primary=primary, key_hints=HINTS)
        self.edits: list[tuple[str, object]] = []
        self.rung = False

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self.panel.focus()

    def on_settings_panel_edited(self, event: SettingsPanel.Edited) -> None:
        self.edits.append((event.name, event.value))
        self.settings = self.settings.changed(**{event.name: event.value})
        self.panel.show(self.settings)

    async def action_bell(self) -> None:
        self.rung = True

    def screen_lines(self) -> list[str]:
        """The screen as plain text, line by line."""
        width, height = self.size
        strips = self.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip)[:width] for strip in strips[:height]]

    def line_of(self, text: str) -> str:
        """The first screen line that holds `text`."""
        return next(line for line in self.screen_lines() if text in line)
