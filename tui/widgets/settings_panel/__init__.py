"""The settings panel: every declared parameter as a row that can be read, stepped, typed and searched."""

from tui.widgets.settings_panel.panel import SettingsPanel

__all__ = ["SettingsPanel"]
