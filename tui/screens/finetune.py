"""Fine-tuning: what it is to be, how it goes, what came of it. It goes on when the screen is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import EngineError
from engine.finetune.events import Finished
from engine.finetune.workplace import Workplace, unfinished
from engine.models.places import own_models
from engine.text_files import shown_path
from tui.action import shown
from tui.tuning import Tuning
from tui.widgets.tuning_form import TuningForm, said
from tui.widgets.tuning_view import TuningView

if TYPE_CHECKING:
    from tui.commands.tuning import TuningCommands

_FORM = "↑↓ fields · enter begins · esc closes"
_GOING = "s keep the best · l leave it · esc close, it goes on"
_LEFT = "n another · r goes on with it · esc closes"
_ENDED = "u uses it · n another · esc closes"
_FAILED = "n another · esc closes"


class FinetuneScreen(ModalScreen[Finished | None]):
    """A form, then the training. Gives the result that is to be used, or None."""

    DEFAULT_CSS = """
    FinetuneScreen { align: center middle; }
    FinetuneScreen #tuning-box {
        width: 132; max-width: 100%; height: 100%;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    FinetuneScreen TuningView { display: none; }
    FinetuneScreen.-going TuningView { display: block; }
    FinetuneScreen.-going TuningForm, FinetuneScreen.-going #tuning-said { display: none; }
    FinetuneScreen #tuning-offer { height: auto; max-height: 2; color: $warning; display: none; }
    FinetuneScreen.-offered #tuning-offer { display: block; }
    FinetuneScreen #tuning-said { height: auto; max-height: 5; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", id="finetune.close", show=False),
        Binding("ctrl+j,f5", "begin", "begin", id="finetune.begin", show=False, priority=True),
        Binding("enter", "begin", "begin", id="finetune.enter", show=False),
        Binding("down", "move(1)", "next field", id="finetune.next", show=False, priority=True),
        Binding("up", "move(-1)", "previous field", id="finetune.previous", show=False, priority=True),
        Binding("tab", "complete", "complete, or the next field", id="finetune.complete", show=False, priority=True),
        Binding("ctrl+r", "resume", "go on with an unfinished one", id="finetune.resume", show=False, priority=True),
        Binding("r", "resume", "go on with it", id="finetune.again", show=False),
        Binding("s", "stop", "stop, and keep the best", id="finetune.stop", show=False),
        Binding("l", "leave", "leave it for later", id="finetune.leave", show=False),
        Binding("u", "use", "use it", id="finetune.use", show=False),
        Binding("n", "another", "another one", id="finetune.another", show=False),
    ]

    def __init__(self, owner: TuningCommands) -> None:
        super().__init__()
        self._owner = owner
        facts = owner.session.facts
        model, parameters, positions = (facts.name, facts.parameters, facts.positions) if facts else ("", 0, None)
        self.form = TuningForm(model, parameters, positions, owner.prompt.text.strip()[:200])
        self.view = TuningView()
        self._offer = Static(markup=False, id="tuning-offer")
        self._said = Static(markup=False, id="tuning-said")
        self._box = Vertical(id="tuning-box")
        self._unfinished: list[Workplace] = []

    def compose(self) -> ComposeResult:
        """The form with what there is to say about it, or the training."""
        with self._box as box:
            box.border_title = "Fine-tune"
            yield self._offer
            yield self.form
            yield self._said
            yield self.view

    def on_mount(self) -> None:
        """Show the one that is under way, or has ended, else the form."""
        self._look_for_unfinished()
        self.show_tuning()

    @property
    def _tuning(self) -> Tuning | None:
        return self._owner.tuning

    def show_tuning(self) -> None:
        """Show how it stands."""
        tuning = self._tuning
        self.set_class(tuning is not None, "-going")
        if tuning is None:
            self._box.border_subtitle = _FORM
            return
        self.set_focus(None)
        self.remove_class("-offered")
        self.view.show(tuning.state)
        end = tuning.state.end
        if end is None:
            self._box.border_subtitle = _GOING
        elif isinstance(end, Finished):
            self._box.border_subtitle = _ENDED
        else:
            self._box.border_subtitle = _LEFT if end.folder else _FAILED

    # The form

    def on_tuning_form_said(self, event: TuningForm.Said) -> None:
        """Say what the field is about."""
        self._said.update(said(event.text))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Begin."""
        event.stop()
        self.action_begin()

    def action_begin(self) -> None:
        """Begin with what the form says."""
        if self._tuning is not None:
            return
        try:
            self._owner.begin_tuning(self.form.words())
        except EngineError as error:
            self._said.update(said(str(error)))
            return
        self.show_tuning()

    def action_move(self, by: int) -> None:
        """To another field; what is written when there is none."""
        if self._tuning is None:
            self.form.move(by)
        elif by > 0:
            self.view.query_one("VerticalScroll").scroll_down(animate=False)
        else:
            self.view.query_one("VerticalScroll").scroll_up(animate=False)

    def action_complete(self) -> None:
        """Complete a path, else to the next field."""
        if self._tuning is None and not self.form.complete():
            self.form.move(1)

    def _look_for_unfinished(self) -> None:
        self._unfinished = unfinished(own_models())
        if self._unfinished and self._tuning is None:
            place = self._unfinished[0]
            checkpoint = place.checkpoint()
            step = f"step {checkpoint.name.rpartition('-')[2]}" if checkpoint else "its beginning"
            more = f" ({len(self._unfinished)} of them)" if len(self._unfinished) > 1 else ""
            text = f"Unfinished{more}: {shown_path(place.out)}, at {step}. {shown('ctrl+r')} goes on with it."
            self._offer.update(said(text))
            self.add_class("-offered")

    def action_resume(self) -> None:
        """Go on with the one that was left, or with the newest that is unfinished."""
        tuning = self._tuning
        if tuning is None:
            folder = str(self._unfinished[0].folder) if self._unfinished else ""
        elif tuning.state.end is None or isinstance(tuning.state.end, Finished):
            return
        else:
            folder = tuning.state.end.folder
        if not folder:
            return
        try:
            self._owner.begin_tuning([f"--resume={folder}"])
        except EngineError as error:
            self._said.update(said(str(error)))
            return
        self.show_tuning()

    # The training

    def action_stop(self) -> None:
        """Stop it; the best so far becomes the result."""
        self._going().stop()
        self.show_tuning()

    def action_leave(self) -> None:
        """Leave it with a checkpoint."""
        self._going().leave()
        self.show_tuning()

    def _going(self) -> Tuning:
        tuning = self._tuning
        if tuning is None or not tuning.running:
            raise SkipAction()
        return tuning

    def action_use(self) -> None:
        """Load what came of it."""
        end = self._tuning.state.end if self._tuning else None
        if not isinstance(end, Finished):
            raise SkipAction()
        self.dismiss(end)

    def action_another(self) -> None:
        """Back to the form."""
        tuning = self._tuning
        if tuning is None or tuning.running:
            raise SkipAction()
        self._owner.tuning = None
        self._look_for_unfinished()
        self.show_tuning()
        self.form.fields["text"].focus()
