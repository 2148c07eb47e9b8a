"""What every group of commands works on: the session, the worker and the panes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App

from engine.errors import FileError, SettingError
from engine.events import Level, Note
from engine.presets import Shelf
from engine.session.history import PromptHistory
from engine.session.library import Library
from engine.settings import Settings
from tui.actions import ACTIONS, Actions
from tui.colouring import Colouring
from tui.insight import Insight
from tui.jobs import RecordJob, RunJob
from tui.screens.main import MainScreen
from tui.session import Session
from tui.widgets.notes import NotesPane
from tui.widgets.output import OutputView
from tui.widgets.prompt import PromptPane
from tui.widgets.safe_editor import SafeEditor
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.status import StatusLine
from tui.worker import Worker
from tui.writing import Writing


class SessionApp(App[None]):
    """One session with one model at a time. The commands of a subject are a class of their own over this one."""

    def __init__(
        self,
        settings: Settings,
        worker: Worker,
        *,
        prompt: str = "",
        actions: Actions = ACTIONS,
        shelf: Shelf | None = None,
        library: Library | None = None,
        recording: bool = True,
    ) -> None:
        super().__init__()
        self.session = Session(settings)
        self.worker = worker
        self.actions = actions
        self.of_the_panes = {action.action.partition("(")[0] for action in actions}
        self.shelf = shelf or Shelf()
        self.put_off: list[Callable[[], None]] = []
        """What waits for the run under way to end."""
        self.insight = Insight()
        self.library = library or Library()
        self.recording = recording
        """Whether anything of this session is written down by itself."""
        self.record_path = worker.transcript.path
        self.history = PromptHistory(kept=recording)
        self._history_trouble_told = False
        self.walked: int | None = None
        """The step under the token cursor, of the shown sequence."""
        self.turned = ("", "")
        """The prompt before an answer was taken into it, and after."""
        self.colouring = Colouring(self.session)
        self.main = MainScreen(self.session, self.actions, prompt)
        self._bind()

    def _bind(self) -> None:
        """Bind the keys of the registry, and no others to what it has: Textual binds two of its actions itself."""
        ours = {action.action for action in self.actions}
        bound = self._bindings.key_to_bindings
        for key in [key for key, bindings in bound.items() if any(binding.action in ours for binding in bindings)]:
            del bound[key]
        for action in self.actions:
            for binding in action.bindings():
                bound[binding.key] = [binding]

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
        self.ask_lens()

    def ask_lens(self) -> None:
        """Have the lens show what it is to show as things stand: done by those who know how."""

    def after_typing(self, act: Callable[[], None]) -> None:
        """Do what a key asks for that acts everywhere.

        It goes before the others: what was typed ahead of it may still wait in the prompt or the editor, or be on its
        way back from there as a key of the editor's own. So it goes that way too. An edit is taken over first.
        """

        def then() -> None:
            self.take_edit()
            act()

        editor = self.main.editor if self.editing else self.prompt
        editor.post_message(SafeEditor.Passed(then))

    def on_safe_editor_passed(self, event: SafeEditor.Passed) -> None:
        """All that was typed before has been heard."""
        event.then()

    def standing(self) -> dict[str, Any]:
        """What stands now, for the record."""
        writing = self.session.writing
        return {"prompt": writing.prompt, "texts": [written.text for written in writing.sequences]}

    @property
    def editing(self) -> bool:
        """Whether the output is being edited."""
        return self.main.editor.sequence is not None

    def take_edit(self) -> None:
        """Where the output is being edited, end that and take over what was made of it."""
        sequence = self.main.editor.sequence
        if sequence is None:
            return
        text = self.main.close_editor()
        if self.session.edit(sequence, text):
            self.worker.put(RecordJob("edit", {"sequence": sequence, "text": text}))
            self.main.show_writing()

    def show_other(self, before: Writing) -> None:
        """Show what is written now in the place of what was."""
        writing = self.session.writing
        # The prompt goes with its text, but not where something else has been typed since.
        if writing.sequences and self.prompt.text == before.prompt != writing.prompt:
            self.prompt.replace_all(writing.prompt)
        self.settings_panel.show(self.session.settings)
        self.main.strategy_pane.clear()  # it was about another text
        self.main.show_writing()

    # Runs

    def start_run(self, job: RunJob) -> None:
        """Show that it was asked for, and let the worker do it."""
        self.main.show_start()
        self.worker.put(job)

    def stop_run(self) -> None:
        """End the run under way before its next token."""
        if self.session.controls is not None:
            self.session.controls.stop()
            self.status.update(stage="stopping")
            self.worker.wake()

    def once_ended(self, act: Callable[[], None]) -> None:
        """Do what cannot be done while a run is under way: end that, and do it then."""
        if self.session.running:
            self.put_off.append(act)
            self.stop_run()
        else:
            act()

    def catch_up(self) -> None:
        """Do what has waited for the end of a run."""
        acts, self.put_off = self.put_off, []
        for act in acts:
            self.once_ended(act)
