"""Looking: which sequence is shown, the notes, help; and looking away."""

from __future__ import annotations

from engine.settings import PARAMETERS
from tui.commands.base import SessionApp
from tui.jobs import RecordJob
from tui.widgets.output.columns import NARROWEST


class ViewCommands(SessionApp):
    """What changes nothing in the text."""

    def action_next_sequence(self) -> None:
        """Show the next sequence."""
        self.after_typing(self._next_sequence)

    def _next_sequence(self) -> None:
        columns = self.main.columns
        columns.turn((self.output.sequence + 1) % columns.count)

    def action_columns(self) -> None:
        """All sequences side by side, or one."""
        columns = self.main.columns
        if columns.count < 2:
            self.hint(f"There is one sequence: the setting {PARAMETERS['num_return_sequences'].title} asks for more.")
        elif len(columns.views) > 1:
            self.main.show_several(False)
        else:
            self.main.show_several(True)
            self.call_after_refresh(self._say_room)

    def _say_room(self) -> None:
        if len(self.main.columns.views) < 2:
            key = self.actions.key("sequence")
            self.hint(f"Two columns need {2 * NARROWEST} cells, there are {self.main.columns.size.width}: {key} turns.")

    def action_keep_sequence(self) -> None:
        """Keep the shown sequence alone."""
        self.after_typing(lambda: self.once_ended(self._keep_sequence))

    def _keep_sequence(self) -> None:
        number = self.output.sequence
        if len(self.session.sequences) < 2:
            self.hint("There is no other sequence to put away.")
            return
        self.session.keep(number)
        self.worker.put(RecordJob("keep", {"sequence": number, **self.standing()}))
        self.main.show_writing()
        self.ask_lens()
        go_on, undo = self.actions.key("continue"), self.actions.key("undo")
        self.hint(f"[{number + 1}] is kept alone: {go_on} goes on in it, {undo} brings the others back.")

    def action_help_quit(self) -> None:
        """What ctrl+c says where nothing is selected."""
        self.hint(f"{self.actions.key('stop')} ends a run, {self.actions.key('quit')} leaves.")

    def action_help(self) -> None:
        """What the pane with the focus is for, and its keys; on a setting, all there is to say about it."""
        from tui.help.pages import Looked, page_of
        from tui.screens.help import HelpScreen

        panel = self.settings_panel
        looked = Looked(self.session.settings, panel.highlighted, panel.effect)
        self.push_screen(HelpScreen(self.actions, page_of(self.main.focused), looked))

    def action_notes(self) -> None:
        """To the notes and back."""
        if not self.main.turn_to_notes():
            self.hint("There are no notes.")

    def action_suspend(self) -> None:
        """Back to the shell, which has to be able to bring the session back: not in a browser."""
        if self._driver is not None and self._driver.can_suspend:
            self.action_suspend_process()
        else:
            self.hint("There is no shell to go back to.")
