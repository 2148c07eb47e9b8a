"""The prompt: earlier ones, and texts from files."""

from __future__ import annotations

from pathlib import Path

from textual.actions import SkipAction

from engine.conversation import next_turn
from engine.errors import FileError
from engine.text_files import read_text, shown_path
from tui.commands.base import SessionApp
from tui.pieces import said, text_of
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

    def action_chat(self) -> None:
        """A chat, or raw completion."""
        chat = not self.session.settings.chat
        self.change_settings(lambda: self.session.change("chat", chat))
        reader = self.session.facts.reader if self.session.facts else None
        if chat and reader is not None and not reader.has_template:
            self.hint("This model has no chat template: it cannot be asked so, and a run is refused.")
        else:
            self.hint("The prompt is a conversation now." if chat else "The model reads the prompt as it stands.")

    def action_next_turn(self) -> None:
        """Take the answer into the prompt, with room for the user's next turn."""
        self.after_typing(self._next_turn)

    def _next_turn(self) -> None:
        session, place = self.session, self.output.sequence
        if not session.settings.chat:
            self.hint("Chat is off: the prompt is a conversation once it is on.")
        elif session.running:
            self.hint(f"A run is under way: {self.actions.key('stop')} ends it, then its answer can be taken in.")
        elif not session.can_go_on(place):
            self.hint(f"There is no answer yet: {self.actions.key('run')} runs the prompt.")
        else:
            before, after = (
                self.prompt.text,
                next_turn(session.writing.prompt, text_of(said(session.pieces(place)[1:]))),
            )
            self.main.turn_to_prompt()
            if before.startswith(after):
                self.hint("The answer is in the prompt already.")
                return
            self.prompt.put(after)
            self.prompt.move_cursor(self.prompt.document.end)
            self.turned = (before, after)

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
