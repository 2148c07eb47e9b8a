"""Fine-tuning: beside the session, in a process of its own; what comes of it can be used at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.timer import Timer

from engine.errors import EngineError
from engine.finetune.events import Failed, Finished, Left
from engine.finetune.wording import clock, finished
from engine.settings.adapters import written
from engine.text_files import home_path
from tui.commands.models import ModelCommands
from tui.tuning import Tuning

FOLLOW_S = 0.2


class TuningCommands(ModelCommands):
    """At most one at a time; closing its screen leaves it going."""

    tuning: Tuning | None = None
    """The one that is under way, or the last one until another is wanted."""
    left_tuning: str = ""
    """Where the one lies that was left at the end of the session."""
    _following: Timer | None = None

    def action_finetune(self) -> None:
        """The form, or the one that is under way."""
        from tui.screens.finetune import FinetuneScreen

        def chosen(end: Finished | None) -> None:
            if end is not None:
                self.use_tuned(end)

        self.push_screen(FinetuneScreen(self), chosen)

    def begin_tuning(self, words: Sequence[str]) -> None:
        """Start a process with these words of the command. Raises `EngineError` where none can be started."""
        try:
            self.tuning = Tuning(words)
        except (OSError, ValueError) as error:
            raise EngineError(f"no process could be started: {error}") from error
        if self._following is None:
            self._following = self.set_interval(FOLLOW_S, self._follow_tuning)
        self._show_tuning()

    def _follow_tuning(self) -> None:
        """Take over what it has told since."""
        tuning = self.tuning
        if tuning is not None and tuning.follow():
            self._show_tuning()
            if not tuning.running:
                self._tell_end(tuning)

    def _show_tuning(self) -> None:
        from tui.screens.finetune import FinetuneScreen

        tuning = self.tuning
        going = tuning is not None and tuning.running
        self.status.update(tuning=_short(tuning) if tuning and going else "")
        if isinstance(self.screen, FinetuneScreen):
            self.screen.show_tuning()

    def _tell_end(self, tuning: Tuning) -> None:
        where = f"{self.actions['finetune'].label}: {self.actions.key('finetune')}."
        match tuning.state.end:
            case Finished() as end:
                self.note(
                    "info", "tuned", f"Fine-tuned: {finished(end)}. It is in {home_path(Path(end.folder))}; {where}"
                )
            case Left(_, step):
                self.note("info", "tuned", f"The fine-tuning was left after step {step:,}; {where}")
            case Failed(error, _):
                self.note("error", "tuned", f"Fine-tuning: {error}. {where}")

    def use_tuned(self, end: Finished) -> None:
        """Load a model that was tuned, or put an adapter over its base."""
        if not end.adapter:
            self.switch_model(end.folder)
            return
        facts, over = self.session.facts, written([(end.folder, 1.0)])
        if facts is None or facts.name != end.model:
            self.switch_model(end.model, adapters=over)
        else:
            self.change_settings(lambda: self.session.change("adapters", over))

    def leave_tuning(self) -> None:
        """The session ends: one that is under way writes a checkpoint and ends too, to be gone on with."""
        if self.tuning is not None and self.tuning.running:
            self.tuning.leave()
            begun = self.tuning.state.started
            self.left_tuning = begun.folder if begun else ""


def _short(tuning: Tuning) -> str:
    state = tuning.state
    left = f" {clock(state.step.seconds_left)}" if state.step else ""
    return f"tuning {100 * state.share:.0f}%{left}"
