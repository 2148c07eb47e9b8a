"""The branches: see them, go to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.branches import Branch
from tui.commands.base import SessionApp
from tui.jobs import RecordJob
from tui.labels import fields

if TYPE_CHECKING:
    from tui.screens.branches import BranchesScreen


class BranchCommands(SessionApp):
    """What is done with the tree of all texts."""

    def action_branches(self) -> None:
        """Show the tree."""
        self.after_typing(self._branches)

    def _branches(self) -> None:
        if not self.session.roads.branches.places:
            self.hint(f"There are no branches yet: {self.actions.key('run')} runs the prompt.")
            return
        from tui.screens.branches import BranchesScreen

        self.push_screen(BranchesScreen(self.session, self.output.sequence), self._gone_to)

    def _gone_to(self, branch: Branch | None) -> None:
        if branch is not None:
            self.once_ended(lambda: self._go_to(branch))

    def _go_to(self, branch: Branch) -> None:
        before = self.session.writing
        if not self.session.take(branch):
            self.hint("That is what is written now.")
            return
        self.walked = None
        self.output.point_at(None)
        self.show_other(before)
        self.main.columns.turn(branch.place.sequence)
        self.main.show_counts()
        texts = [written.text for written in self.session.sequences]
        self.worker.put(RecordJob("branch", fields("taken", branch.mark) | {"texts": texts}))
        undo, go_on = self.actions.key("undo"), self.actions.key("continue")
        self.hint(f"{go_on} goes on from here, {undo} goes back to where you were.")

    def on_branches_screen_labelled(self, event: BranchesScreen.Labelled) -> None:
        """A branch was named, or put out of sight, or brought back."""
        for line in event.lines:
            self.worker.put(RecordJob("branch", line))
        self.main.show_counts()
