"""How it looks: theme, motion, the pace at which text comes."""

from __future__ import annotations

from textual.events import DescendantFocus
from textual.widgets import Input, TextArea

from tui.commands.base import SessionApp
from tui.config.declaration import HIGH_CONTRAST
from tui.theme import THEMES


class LookCommands(SessionApp):
    """They change nothing in the text, and nothing in the config file."""

    def set_looks(self, theme: str, *, reduced_motion: bool) -> None:
        """Take the looks that the config asks for."""
        for known in THEMES.values():
            self.register_theme(known)
        self._wear(theme)
        if reduced_motion:
            self.animation_level = "none"

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Where nothing is to move, the cursor of whatever is typed into does not blink."""
        if self.animation_level == "none" and isinstance(event.widget, Input | TextArea):
            event.widget.cursor_blink = False

    def _wear(self, theme: str) -> None:
        self.theme = theme
        self.main.set_class(theme == HIGH_CONTRAST, "-high-contrast")

    def action_next_theme(self) -> None:
        """The next theme, for this session."""
        names = list(THEMES)
        after = names.index(self.theme) + 1 if self.theme in names else 0
        self._wear(names[after % len(names)])
        self.hint(f'Theme: {self.theme}. theme = "{self.theme}" in the config file keeps it.')

    def action_pace(self) -> None:
        """Reading pace on or off."""
        words = self.worker.pace.switch()
        self.worker.wake()
        self.hint(f"The text comes at {words:g} words a minute." if words else "The text comes as it is written.")
