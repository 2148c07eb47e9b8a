"""Finding, in the prompt and in the output."""

from __future__ import annotations

from tui.commands.base import SessionApp


class FindCommands(SessionApp):
    """One bar at the foot of a pane."""

    def action_find(self) -> None:
        """Find where the focus is: in the output unless that is the prompt. Again in the bar: in the other one."""
        bar = self.main.find_bar
        if self.focused is not None and bar in self.focused.ancestors:
            self.main.find_in(self.output if bar.pane is self.prompt else self.prompt)
        elif self.focused is self.prompt and self.prompt.text:
            self.main.find_in(self.prompt)
        else:
            self.main.find_in(self.output)
