"""The text: taking back and bringing back, writing anew, editing by hand."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom

from tui.commands.base import SessionApp
from tui.jobs import RecordJob
from tui.widgets.output_editor import OutputEditor

_SEEDS = 1_000_000  # few digits, to read and to type


class TextCommands(SessionApp):
    """What is done to the text other than by a run's tokens."""

    def action_undo(self) -> None:
        """Take back the last step; a run under way is ended, and is that step."""
        self.after_typing(self._undo)

    def _undo(self) -> None:
        before, after = self.turned
        if after and self.prompt.text == after:
            self.prompt.put(before)
            self.hint("The answer is out of the prompt again.")
            return
        if not self.session.running or self.put_off:
            self.once_ended(self._step_back)
            return
        back, _ = self.session.timeline.steps

        def take_back() -> None:
            if self.session.timeline.steps[0] > back:  # else the run has come to nothing
                self._step_back()

        self.once_ended(take_back)

    def _step_back(self) -> None:
        self._move("undo", self.session.undo, "There is nothing to take back.")

    def action_redo(self) -> None:
        """Bring back what was undone last."""
        self.after_typing(self._redo)

    def _redo(self) -> None:
        if self.session.running:
            self.hint("A run is under way: what was undone comes back after it.")
        else:
            self._move("redo", self.session.redo, "Nothing was undone.")

    def _move(self, name: str, move: Callable[[], bool], nothing: str) -> None:
        before = self.session.writing
        if not move():
            self.hint(nothing)
            return
        self.show_other(before)
        self.worker.put(RecordJob(name, self.standing()))
        back, forward = self.session.timeline.steps
        self.hint(f"{back} step{'' if back == 1 else 's'} back from here, {forward} forward.")

    def action_regenerate(self, new_seed: bool) -> None:
        """Write the last run anew, with another seed or with its own."""
        self.after_typing(lambda: self.once_ended(lambda: self._regenerate(new_seed)))

    def _regenerate(self, new_seed: bool) -> None:
        if not self.session.can_regenerate():
            self.hint("There is no run to write anew yet: ^J runs the prompt.")
            return
        job = self.session.regenerate(SystemRandom().randrange(_SEEDS) if new_seed else None)
        self.settings_panel.show(self.session.settings)
        if not self.session.goes_on:
            self.notes.clear()
        self.start_run(job)

    def action_edit(self) -> None:
        """Edit the shown sequence, or take over what was made of it."""
        if self.editing:
            self.after_typing(lambda: None)
        elif self.session.running:
            self.hint("A run is under way: esc ends it, then it can be edited.")
        elif not self.session.can_go_on(self.output.sequence):
            self.hint("There is nothing to edit yet: ^J runs the prompt.")
        else:
            self.main.open_editor()

    def on_output_editor_done(self, event: OutputEditor.Done) -> None:
        """Escape in the editor."""
        self.take_edit()
