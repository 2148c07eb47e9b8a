"""Colouring the text by what its tokens' steps say."""

from __future__ import annotations

from tui.commands.base import SessionApp
from tui.jobs import RunJob
from tui.measures import Measured


class ColourCommands(SessionApp):
    """The mode, its legend, and the numbers of tokens that came without any."""

    _measuring = False

    def action_colour(self) -> None:
        """Colour by the next of what there is."""
        self.colouring.next_mode()
        self._tell_run()
        self._show_colours()
        if not self.colouring.mode:
            self.hint("The text is coloured no longer.")

    def start_run(self, job: RunJob) -> None:
        """Have the run tell numbers where they are needed."""
        job.controls.measuring = self.colouring.measuring
        super().start_run(job)

    def _tell_run(self) -> None:
        if self.session.controls is not None:
            self.session.controls.measuring = self.colouring.measuring

    def _show_colours(self) -> None:
        self.output.shade(self.colouring.shades if self.colouring.mode else None)
        self.show_legend()

    def show_legend(self) -> None:
        """The legend as things stand."""
        if not self.colouring.mode and not self.main.legend.parts:
            return
        sequence, walked = self.output.sequence, self.walked
        step = None if walked is None else self.session.step(sequence, walked)
        self.main.legend.show(self.colouring.legend(sequence, step))

    def follow_colours(self) -> None:
        """Once a frame: have measured what was to be drawn and could not, where no run is in the way."""
        if not self.colouring.mode:
            return
        self.show_legend()
        controls = self.session.controls
        if self.colouring.lacking is None or self._measuring or (controls is not None and not controls.paused):
            return
        steps = self.session.steps(self.colouring.lacking)
        self.colouring.lacking = None
        passages = self.colouring.measures.lacking(steps)
        if passages and self.session.facts is not None:
            self._measuring = True
            self.worker.measure(passages)

    def show_measured(self, answer: Measured) -> None:
        """Some numbers, or why there are none."""
        if answer.error:
            self.colouring.measures.give_up(answer.passage)
            self.hint(f"These tokens cannot be measured: {answer.error}.")
        self.colouring.measures.take(answer.passage, answer.numbers)
        self._measuring = not answer.last
        self.output.refresh()
