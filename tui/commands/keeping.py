"""Keeping what was written: copies and saved files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.errors import FileError
from engine.session.markdown import Origin, file_name, markdown
from engine.text_files import shown_path, write_text
from tui.commands.base import SessionApp


class KeepingCommands(SessionApp):
    """Ways out of the session for its text."""

    def action_copy_output(self, prompt: bool = True) -> None:
        """Copy the shown sequence, with or without its prompt."""
        text = self.output.text(prompt=prompt)
        if text:
            self.copy_to_clipboard(text)
        else:
            self.hint("There is nothing to copy yet.")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy by the terminal, which never says whether it did, so the copy is put into a file as well.

        Every copy passes here, also those of the editors and of the mouse.
        """
        text = text.encode(errors="replace").decode()
        super().copy_to_clipboard(text)
        count = f"{len(text):,} character{'' if len(text) == 1 else 's'}"
        path = self.history.path.parent / "clipboard.txt"
        try:
            if not self.recording:
                raise FileError("nothing of this session is written down")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_text(path, text, over=True, private=True)
        except (FileError, OSError):
            self.hint(f"Copied, where the terminal allows it ({count}).")
        else:
            self.hint(f"Copied, also to {shown_path(path)} ({count}).")

    def action_save(self) -> None:
        """Ask for a name and save what is shown as Markdown."""
        if not any(self.output.text(number) for number in range(self.output.sequences)):
            self.hint("There is nothing to save yet.")
            return
        from tui.screens.save_as import SaveScreen

        sequences = [self.output.pieces(number) for number in range(self.output.sequences)]
        text = markdown(self._origin(), self.session.shown_settings, sequences)
        self.push_screen(SaveScreen(file_name(self.session.writing.prompt), text), self._saved)

    def _origin(self) -> Origin:
        now = datetime.now().astimezone()
        facts = self.session.facts
        if facts is None:
            return Origin(now)
        return Origin(now, model=facts.name, family=facts.family, device=facts.device, dtype=facts.dtype)

    def _saved(self, path: Path | None) -> None:
        if path is not None:
            self.hint(f"Saved: {shown_path(path.absolute())}")
