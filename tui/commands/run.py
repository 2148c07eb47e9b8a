"""Running: begin, go on, hold, step, stop."""

from __future__ import annotations

from tui.commands.base import SessionApp
from tui.worker import RunJob


class RunCommands(SessionApp):
    """The life of a run."""

    def action_run(self) -> None:
        """Write from the prompt. A run under way is not interrupted."""
        self.after_typing(self._run)

    def _run(self) -> None:
        if self.session.running:
            self.hint("A run is under way: esc ends it.")
            return
        choices = self.session.facts.choices if self.session.facts else None
        if choices and choices.setting and not getattr(self.session.settings, choices.setting):
            self.action_choose(then_run=True)  # the model has to be told before it can begin
            return
        self.notes.clear()
        self.keep_prompt(self.prompt.text)
        self._start(self.session.begin(self.prompt.text))

    def action_continue(self) -> None:
        """Let a held run go on, or go on from where the shown sequence stopped."""
        self.after_typing(self._go_on)

    def _go_on(self) -> None:
        if self.session.controls is not None:
            if self.session.controls.paused:
                self._pause()
        elif self.session.can_go_on(self.output.sequence):
            moved = self.session.moved_since()
            place = self.output.sequence
            self._start(self.session.go_on(place))
            self.output.trim(place, len(self.session.sequences[place].text))
            for name, (old, new) in moved.items():
                self.main.mark(name, old, new)
        else:
            self.hint("There is nothing to go on from yet: ^J runs the prompt.")

    def _start(self, job: RunJob) -> None:
        self.main.show_start()
        self.worker.put(job)

    def action_stop(self) -> None:
        """End the run before its next token."""
        if self.session.controls is not None:
            self.session.controls.stop()
            self.status.update(stage="stopping")
            self.worker.wake()

    def action_pause(self) -> None:
        """Hold the run, or let it go on."""
        self.after_typing(self._pause)

    def _pause(self) -> None:
        controls = self.session.controls
        if controls is None:
            self.hint("Nothing is running: ^J runs the prompt.")
            return
        if controls.paused:
            controls.resume()
            self.status.update(stage="decoding")
        else:
            controls.pause()
        self.worker.wake()

    def action_step(self) -> None:
        """One token more, then hold; where nothing runs, a run begins held after its first token."""
        self.after_typing(self._step)

    def _step(self) -> None:
        if not self.session.running:
            if self.session.can_go_on(self.output.sequence):
                self._go_on()
            else:
                self._run()
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
