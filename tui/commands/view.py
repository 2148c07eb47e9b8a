"""Looking: which sequence is shown, help."""

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
        """Show the keys and the panes."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.actions))
