"""The prompt: earlier ones, and texts from files."""

from __future__ import annotations

from pathlib import Path

from textual.actions import SkipAction

from engine.errors import FileError
from engine.text_files import read_text, shown_path
from tui.commands.base import SessionApp
from tui.widgets.prompt import PromptPane


class PromptCommands(SessionApp):
    """Where a prompt comes from other than the keyboard. All of it can be taken back there with ^Z."""

    def action_prompts(self) -> None:
        """Choose among the earlier prompts."""
        from tui.screens.prompts import PromptsScreen

        prompts = self.history.prompts()[::-1]
        if not prompts:
            self.hint("There are no earlier prompts yet: each that is run is kept.")
            return

        def take(prompt: str | None) -> None:
            if prompt is not None:
                self.main.turn_to_prompt()
                self.prompt.put(prompt)

        self.push_screen(PromptsScreen(prompts), take)

    def action_recall(self, by: int) -> None:
        """Walk through the earlier prompts as in a shell; what was typed is the newest of them."""
        if self.focused is not self.prompt:
            raise SkipAction()
        prompt = self.history.step(self.prompt.text, by)
        if prompt is None:
            self.hint("That is the oldest prompt." if by < 0 else "That is the newest prompt.")
        else:
            self.prompt.put(prompt)

    def action_open(self) -> None:
        """Ask for a text file and insert it."""
        from tui.screens.open_file import OpenScreen

        self.push_screen(OpenScreen(), self._insert_file)

    def _insert_file(self, path: Path | None) -> None:
        if path is None:
            return
        try:
            text = read_text(path)
        except FileError as error:
            self.note("error", "open", str(error))
            return
        self.main.turn_to_prompt()
        if self.prompt.insert_text(text):
            self.hint(f"{shown_path(path)}: {len(text):,} characters." if text else f"{shown_path(path)} is empty.")

    def on_prompt_pane_refused(self, event: PromptPane.Refused) -> None:
        """Say why a text was not taken."""
        self.note("warning", "prompt", event.why)
