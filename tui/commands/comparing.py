"""Comparing: the same prompt under several settings or models; a sweep over one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import SettingError
from engine.settings import PARAMETERS
from engine.variants import declared
from tui.commands.base import SessionApp
from tui.jobs import RecordJob

if TYPE_CHECKING:
    from tui.screens.compare import Taken


class ComparingCommands(SessionApp):
    """Runs beside the text, one of which may become the text."""

    _compared = "now | preset=2 | preset=4"

    def action_compare(self) -> None:
        """Compare: what was compared last, or two presets beside the settings of now."""
        self.after_typing(lambda: self._compare("Compare", self._compared))

    def action_sweep(self) -> None:
        """Go through the range of the setting that is looked at, where it has a meaning, or of the temperature."""
        self.after_typing(lambda: self._compare("Sweep", self._range()))

    def _range(self) -> str:
        looked_at, strategy = self.settings_panel.highlighted, self.session.settings.strategy
        for name in (looked_at, "temperature"):
            if name is None or PARAMETERS[name].kind not in ("int", "float"):
                continue
            under = PARAMETERS[name].under
            if PARAMETERS[name].inert or (under and strategy not in under):
                continue
            try:
                values = declared(PARAMETERS[name])
            except SettingError:  # it has no range of its own
                continue
            return f"{name}={','.join(PARAMETERS[name].format(value) for value in values)}"
        return ""

    def _compare(self, title: str, line: str) -> None:
        if self.session.running:
            self.hint(f"A run is under way: {self.actions.key('stop')} ends it, then others can be set beside it.")
            return
        from tui.screens.compare import CompareScreen

        screen = CompareScreen(self, title, line, self.prompt.text)

        def take(taken: Taken | None) -> None:
            if title == "Compare":
                self._compared = screen.line
            if taken is not None:
                self._take_over(taken)

        self.push_screen(screen, take)

    def _take_over(self, taken: Taken) -> None:
        self.change_settings(lambda: self.session.take_over(taken.writing, taken.settings))
        said = {"name": taken.name, "settings": taken.settings.to_dict()}
        self.worker.put(RecordJob("take", {**self.standing(), **said}))
        self.main.strategy_pane.clear()
        self.main.show_writing()
        self.output.focus()
        self.ask_lens()
        go_on, undo = self.actions.key("continue"), self.actions.key("undo")
        self.hint(f"Taken over: {taken.name}. {go_on} goes on, {undo} brings the text before it back.")
