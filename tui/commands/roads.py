"""Looking into the text token by token, and taking another road from there."""

from __future__ import annotations

import time

from textual.actions import SkipAction

from engine.events import Looked
from engine.safe_text import safe_text
from engine.settings.names import BEAMS
from tui.commands.base import SessionApp
from tui.jobs import LookSeen, RecordJob
from tui.looking import look
from tui.steps import Step, step_at
from tui.widgets.lens import LensPane
from tui.widgets.output import OutputView

FOLLOWED_S = 0.15  # to look and to paint more often would slow the run down


class RoadCommands(SessionApp):
    """The token cursor, the lens, and what is done with the token under it."""

    _here: Step | None = None
    _asked = 0
    _answered = 0
    _followed = 0.0
    _title = ""

    # The token cursor

    def action_walk(self, by: int) -> None:
        """The cursor a token on, or back; beyond the last it is let go of."""
        if self.focused is not self.output:
            raise SkipAction()
        steps = self.session.steps(self.output.sequence)
        if not steps:
            self.hint("There are no tokens to walk: what a person wrote is text until it has been read.")
            return
        here = len(steps) if self.walked is None else self.walked
        self.walk_to(min(max(here + by, 0), len(steps)))

    def walk_to(self, step: int | None) -> None:
        """Put the cursor on a step; beyond the last one, or on None, it is let go of."""
        steps = self.session.steps(self.output.sequence)
        self.walked = step if step is not None and step < len(steps) else None
        self._here = None if self.walked is None else steps[self.walked]
        if self._here is None:
            self.output.point_at(None)
        else:
            before = len(self.session.writing.prompt)
            self.output.point_at(before + self._here.start, before + self._here.end)
        self.ask_lens()

    def on_columns_turned(self) -> None:
        """Another sequence is shown: its tokens are others."""
        self.walk_to(None)

    def on_output_view_pointed(self, event: OutputView.Pointed) -> None:
        """A click: the cursor goes to the token there."""
        place = event.character - len(self.session.writing.prompt)
        steps = self.session.steps(self.output.sequence)
        self.walk_to(step_at(steps, place))

    def action_rewind(self) -> None:
        """Take the text back to before the token under the cursor, the last one where there is no cursor."""
        if self.focused is not self.output:
            raise SkipAction()
        self.once_ended(self._rewind)

    def _rewind(self) -> None:
        sequence = self.output.sequence
        steps = self.session.steps(sequence)
        if not steps:
            self.hint("There is nothing to rewind: the prompt is edited in its own pane.")
            return
        at = len(steps) - 1 if self.walked is None else min(self.walked, len(steps) - 1)
        self.session.rewind(sequence, at)
        self.worker.put(RecordJob("rewind", {"sequence": sequence, "at": at, **self.standing()}))
        self.walked = None
        self.output.point_at(None)
        self.main.show_writing()
        self.ask_lens()
        undo, go_on = self.actions.key("undo"), self.actions.key("continue")
        self.hint(f"Rewound to {at} token{'' if at == 1 else 's'}: {go_on} goes on from here, {undo} brings it back.")

    def action_type_another(self) -> None:
        """Type a text in the place of the token under the cursor."""
        if self.focused is not self.output:
            raise SkipAction()
        if self.walked is None:
            self.hint("Put the token cursor on a token first: ← and → walk, a click points.")
            return
        from tui.screens.ask import Ask

        sequence, walked = self.output.sequence, self.walked
        step = self.session.step(sequence, walked)
        begun = " " if step and step.token.text.startswith(" ") else ""

        def take(text: str | None) -> None:
            if text is None:
                return
            if not text.strip():
                self.hint("Nothing was typed: the text stays as it was.")
                return
            own = text[1:] if begun and text.startswith("  ") else text  # the space was there already
            self.once_ended(lambda: self._retype(sequence, walked, own))

        title = f"In the place of token {walked + 1:,}{f' {safe_text(step.token.text)!r}' if step else ''}"
        self.push_screen(Ask(title, begun, verbatim=True), take)

    def _retype(self, sequence: int, number: int, text: str) -> None:
        if self.session.step(sequence, number) is None:
            return
        self.session.retype(sequence, number, text)
        text = self.session.sequences[sequence].text
        self.worker.put(RecordJob("edit", {"sequence": sequence, "text": text, "at": number}))
        self.walk_to(None)
        self.main.show_writing()
        undo, go_on = self.actions.key("undo"), self.actions.key("continue")
        self.hint(f"Typed: {go_on} goes on from here, {undo} goes back to what was there.")

    # The lens

    def action_lens(self) -> None:
        """To the lens and back; it opens and closes where there is no room for it beside the rest."""
        self.main.turn_to_lens()

    def on_main_screen_rewritten(self) -> None:
        """The token cursor stays on its token, if that is there still; the lens looks at what there is now."""
        if self.walked is not None and self.session.step(self.output.sequence, self.walked) is not self._here:
            self.walk_to(None)
        else:
            self.ask_lens()

    def on_lens_pane_opened(self, event: LensPane.Opened) -> None:
        """It is to be seen from now on."""
        self.ask_lens()

    def ask_lens(self) -> None:
        """Have the lens show what it is to show as things stand."""
        if not self.main.lens_shown or self.session.facts is None:
            return
        self._asked += 1
        wanted = None
        if not self.main.replaying:
            wanted = look(self.session, self.output.sequence, self.walked, self.prompt.text, self._asked)
        if wanted is not None:
            self._title = wanted.title
            self.worker.look(wanted.job)
        elif self.main.replaying or not self.session.running:
            self._answered = self._asked
            self.main.lens.clear()

    def follow_lens(self) -> None:
        """While a run goes on, have it tell what it weighs for the newest token, as often as one can read that."""
        controls, now = self.session.controls, time.monotonic()
        if controls is None or now - self._followed < FOLLOWED_S:
            return
        if self.main.lens_shown and self.walked is None:
            self._followed = now
            number = self.output.sequence - self.session.place(0)
            controls.looking = number if number >= 0 else None

    def show_look(self, answer: LookSeen) -> None:
        """The answer to the newest question; older ones have been overtaken."""
        if answer.number == self._asked:
            self._answered = self._asked
            self.main.lens.show(self._title, answer.weighing, answer.error)

    def show_looked(self, event: Looked) -> None:
        """What the run under way tells of its newest token."""
        controls = self.session.controls
        if self.walked is None and controls is not None and not controls.paused:
            count = self.session.written(self.output.sequence)
            self.main.lens.show(f"Token {count:,}", event.weighing)

    # Another road

    def on_lens_pane_taken(self, event: LensPane.Taken) -> None:
        """Take a token: in the place of the one under the cursor, or as the next one."""
        sequence, walked = self.output.sequence, self.walked
        controls = self.session.controls
        if self.session.settings.strategy in BEAMS:
            self.hint("Beams choose several tokens at once: take another strategy to choose one by hand.")
        elif walked is None and controls is not None and not controls.paused:
            self.hint(f"A run is under way: {self.actions.key('pause')} holds it, then its next token can be chosen.")
        elif self._answered != self._asked:
            self.hint("The lens is still looking: take the token once it shows what stands there now.")
        elif walked is not None:
            self.once_ended(lambda: self._swap(sequence, walked, event.token_id))
        elif self.session.controls is not None:
            self._pick_next(event.token_id)
        elif self.session.can_go_on(sequence):
            self.start_run(self.session.pick(sequence, event.token_id))
            self._hold_after_one()
        else:
            self._begin_with(event.token_id)

    def _swap(self, sequence: int, step: int, token_id: int) -> None:
        steps = self.session.steps(sequence)
        if step >= len(steps):
            return
        if steps[step].token.id == token_id:
            self.hint("That is the token that came.")
            return
        self.walk_to(None)
        self.start_run(self.session.swap(sequence, step, token_id))
        undo = self.actions.key("undo")
        self.hint(f"Another road from token {step + 1}: {undo} goes back to the one before.")

    def _pick_next(self, token_id: int) -> None:
        controls = self.session.controls
        assert controls is not None
        controls.pick(token_id)
        controls.step()
        self.worker.wake()

    def _begin_with(self, token_id: int) -> None:
        """A run from the prompt, its first token chosen, then held."""
        self.notes.clear()
        self.keep_prompt(self.prompt.text)
        job = self.session.begin(self.prompt.text)
        job.controls.pick(token_id)
        self.start_run(job)
        self._hold_after_one()

    def _hold_after_one(self) -> None:
        assert self.session.controls is not None
        self.session.controls.step()
        self.worker.wake()
