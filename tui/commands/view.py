"""Looking: which sequence is shown, the notes, help; and looking away."""

from __future__ import annotations

from tui.commands.base import SessionApp


class ViewCommands(SessionApp):
    """What changes nothing in the text."""

    def action_next_sequence(self) -> None:
        """Show the next sequence."""
        self.after_typing(self._next_sequence)

    def _next_sequence(self) -> None:
        self.output.show_sequence((self.output.sequence + 1) % self.output.sequences)
        self.main.show_counts()

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
