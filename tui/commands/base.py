"""What every group of commands works on: the session, the worker and the panes."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from engine.errors import FileError, SettingError
from engine.events import Level, Note
from engine.session.history import PromptHistory
from engine.settings import Settings
from tui.actions import ACTIONS
from tui.screens.main import MainScreen
from tui.session import Session
from tui.widgets.notes import NotesPane
from tui.widgets.output import OutputView
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.status import StatusLine
from tui.worker import Worker


class SessionApp(App[None]):
    """One session with one model at a time. The commands of a subject are a class of their own over this one."""

    def __init__(self, settings: Settings, worker: Worker, *, prompt: str = "") -> None:
        super().__init__()
        self.session = Session(settings)
        self.worker = worker
        self.history = PromptHistory()
        self._history_trouble_told = False
        self.actions = ACTIONS
        self.main = MainScreen(self.session, self.actions, prompt)
        for action in self.actions:
            for binding in action.bindings():
                self._bindings.key_to_bindings[binding.key] = [binding]

    @property
    def prompt(self) -> PromptPane:
        """The prompt's editor."""
        return self.main.prompt

    @property
    def output(self) -> OutputView:
        """The output."""
        return self.main.output

    @property
    def notes(self) -> NotesPane:
        """The notes."""
        return self.main.notes

    @property
    def settings_panel(self) -> SettingsPanel:
        """The settings."""
        return self.main.settings_panel

    @property
    def status(self) -> StatusLine:
        """The line that tells how it is going."""
        return self.main.status

    def note(self, level: Level, code: str, text: str) -> None:
        """Say something that stays until the next run."""
        self.notes.add(Note(level, code, text))

    def hint(self, text: str) -> None:
        """Say something that passes."""
        self.status.hint(text)

    def keep_prompt(self, prompt: str) -> None:
        """Keep a prompt for later; where it cannot be written down, say so once."""
        try:
            self.history.add(prompt)
        except FileError as error:
            if not self._history_trouble_told:
                self.note("warning", "history", f"{error}. They are remembered until you leave.")
            self._history_trouble_told = True

    def change_settings(self, change: Callable[[], object]) -> None:
        """Do what changes settings, show them, and say why where it is refused."""
        try:
            change()
        except SettingError as error:
            self.note("error", "setting", str(error))
        self.settings_panel.show(self.session.settings)
        self.worker.wake()

    def after_typing(self, act: Callable[[], None]) -> None:
        """Keys that act everywhere go before the others: what was typed ahead of them may still wait in the prompt."""
        self.prompt.call_later(act)
