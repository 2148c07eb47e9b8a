"""Running: begin, go on, hold, step, stop."""

from __future__ import annotations

from engine.recipes import blanks
from tui.commands.models import ModelCommands


class RunCommands(ModelCommands):
    """The life of a run."""

    def action_run(self) -> None:
        """Write from the prompt. A run under way is not interrupted."""
        self.after_typing(self._run)

    def _run(self) -> None:
        if self.session.running:
            self.hint(f"A run is under way: {self.actions.key('stop')} ends it.")
            return
        choices = self.session.facts.choices if self.session.facts else None
        if choices and choices.setting and not getattr(self.session.settings, choices.setting):
            self.action_choose(then_run=True)  # the model has to be told before it can begin
            return
        self.notes.clear()
        left = len(blanks(self.prompt.text))
        if left:
            told = f"{left} blank{'' if left == 1 else 's'} of the prompt {'is' if left == 1 else 'are'} not filled"
            self.note("info", "blanks", f"{told}: {self.actions.key('next_blank')} goes to the next.")
        self.keep_prompt(self.prompt.text)
        self.start_run(self.session.begin(self.prompt.text))

    def action_continue(self) -> None:
        """Let a held run go on, or go on from where the shown sequence stopped."""
        self.after_typing(self._go_on)

    def _go_on(self) -> None:
        if self.session.controls is not None:
            if self.session.controls.paused:
                self._pause()
        elif self.session.can_go_on(self.output.sequence):
            self.start_run(self.session.go_on(self.output.sequence))
        else:
            self.hint(f"There is nothing to go on from yet: {self.actions.key('run')} runs the prompt.")

    def action_stop(self) -> None:
        """End the run before its next token; where the output is edited, end that; where none runs, end a load."""
        self.take_edit()
        if self.session.running:
            self.stop_run()
        else:
            self.call_off_loading()

    def action_pause(self) -> None:
        """Hold the run, or let it go on."""
        self.after_typing(self._pause)

    def _pause(self) -> None:
        controls = self.session.controls
        if controls is None:
            self.hint(f"Nothing is running: {self.actions.key('run')} runs the prompt.")
            return
        if controls.paused:
            controls.resume()
            self.status.update(stage="decoding")
        else:
            controls.pause()
        self.worker.wake()

    def action_step(self) -> None:
        """One token more, then hold; where nothing runs, one begins, held after its first token.

        A text that came to its end by itself is left alone, or one step too many would go on over it.
        """
        self.after_typing(self._step)

    def _step(self) -> None:
        if not self.session.running:
            if not self.session.can_go_on(self.output.sequence):
                self._run()
            elif self.session.sequences[self.output.sequence].at_end:
                self.hint(f"The text has come to its end: {self.actions['continue'].shown_key} goes on.")
            else:
                self._go_on()
        if self.session.controls is not None:
            self.session.controls.step()
            self.worker.wake()

    def action_choose(self, then_run: bool = False) -> None:
        """Choose among the names that the model's family knows."""
        choices = self.session.facts.choices if self.session.facts else None
        if choices is None:
            return
        from tui.screens.chooser import Chooser

        def take(name: str | None) -> None:
            if name is None:
                return
            if choices.setting:
                self.change_settings(lambda: self.session.change(choices.setting or "", name))
            else:
                self.prompt.begin_with(name, choices.names)
            if then_run:
                self._run()

        self.push_screen(Chooser(choices.title, choices.names), take)
