"""The same prompt and seed under several settings or models, side by side, and where they part."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.markup import escape
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import SettingError
from engine.events import Progress
from engine.presets import DIGITS
from engine.safe_text import safe_text
from engine.settings import Settings
from engine.variants import NOW, PARTS, variants_from
from tui.action import shown
from tui.comparing import Compared, CompareJob
from tui.comparison import Comparison
from tui.widgets.counts import ENDS, counts_line, plural
from tui.widgets.output import Columns, OutputView
from tui.widgets.settings_panel.safe_input import SafeInput
from tui.writing import Writing

if TYPE_CHECKING:
    from tui.commands.base import SessionApp

HELP = (
    f"{PARTS} parts two columns; each is {NOW}, preset=4, model=NAME, or settings as in temperature=1.2 top_p=0.9. "
    "A range is a column for each value: temperature=0.2..1.4/0.3, or top_k=5,50,500. alt+1-9 adds a preset."
)
AFTER = "enter in a column takes it over, with its settings · ^L the next · alt+k one or all"


class Taken(NamedTuple):
    """A column that was taken over: what it is called, its text, its settings."""

    name: str
    writing: Writing
    settings: Settings


class CompareScreen(ModalScreen[Taken | None]):
    """A line that says what is compared, and a column for each. Gives the column that was taken over, or None."""

    DEFAULT_CSS = """
    CompareScreen #compare-box {
        width: 100%; height: 100%;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    CompareScreen Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    CompareScreen #compare-prompt { height: 1; color: $text-muted; text-style: italic; }
    CompareScreen #compare-said { height: auto; max-height: 3; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "end what is under way, or close", id="compare.close", show=False),
        Binding("ctrl+j,f5", "run", "run", id="compare.run", show=False, priority=True),
        Binding("enter", "take", "take the column over", id="compare.take", show=False),
        Binding("ctrl+l", "next", "the next column", id="compare.next", show=False, priority=True),
        Binding("alt+k,c", "several", "one or all", id="compare.several", show=False),
        Binding("y", "copy", "copy the column", id="compare.copy", show=False),
        *(
            Binding(f"alt+{digit}", f"preset({digit})", "add a preset", id=f"compare.preset_{digit}", show=False)
            for digit in DIGITS
        ),
    ]

    def __init__(self, owner: SessionApp, title: str, line: str, prompt: str) -> None:
        super().__init__()
        self._owner = owner
        self._title = title
        self._prompt = prompt
        self._line = SafeInput(line, compact=True)
        self._said = Static(HELP, markup=False, id="compare-said")
        self.columns = Columns("Enter runs the line above.", may_be_rows=True, id="compare-columns")
        self.columns.hint = f"{shown('ctrl+l')} shows the next."
        self.comparison: Comparison | None = None
        self._job: CompareJob | None = None
        self._loading = ""

    def compose(self) -> ComposeResult:
        """The prompt, what is compared, what is to be said, and the columns."""
        with Vertical(id="compare-box") as box:
            box.border_title = self._title
            box.border_subtitle = "enter runs · esc ends, then closes"
            yield Static(safe_text(self._prompt), markup=False, id="compare-prompt")
            yield self._line
            yield self._said
            yield self.columns

    def on_mount(self) -> None:
        """Begin with the line."""
        self._line.focus()

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        if self._job is not None:
            self._job.stop()
            self._owner.worker.wake()

    @property
    def line(self) -> str:
        """What is to be compared, as it was typed."""
        return self._line.meant

    # Running

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the line."""
        event.stop()
        self.action_run()

    def action_run(self) -> None:
        """Run all variants, unless some are under way."""
        if self._job is not None:  # what is under way is said
            return
        session = self._owner.session
        try:
            variants = variants_from(self._line.meant, session.settings, self._owner.shelf)
        except (SettingError, ValueError) as error:
            self._say(str(error))
            return
        if len(variants) < 2:
            self._say(f"Two at least: put {PARTS} between two columns, or give a setting a range. {HELP}")
            return
        comparison = self.comparison = Comparison(variants, self._prompt)
        facts = session.facts
        self._job = CompareJob(
            [side.job for side in comparison.sides],
            [side.variant.model for side in comparison.sides],
            facts.device if facts else "auto",
            "auto",
            self.hear,
        )
        self._loading = ""
        self.columns.start(self._prompt, len(variants))
        self.columns.stream(True, range(0))
        self.columns.caption([safe_text(caption) for caption in comparison.captions()])
        self._owner.worker.put(self._job)
        self.columns.current.focus()
        self._show_progress()
        self._show_counts()

    def hear(self, told: Compared) -> None:
        """Show what the runs tell."""
        comparison, columns = self.comparison, self.columns
        if told.job is not self._job or comparison is None or not self.is_attached:
            return
        match told.event:
            case None:
                self._over(comparison)
            case Progress(stage, done, total):
                share = f" {100 * done // total}%" if total else ""
                self._loading = f"loading {comparison.sides[told.place].variant.model}: {stage}{share}"
            case event:
                self._loading = ""
                added, anew = comparison.hear(told.place, event)
                for place in anew:
                    columns.texts.become(place, comparison.pieces(place))
                if added:
                    columns.extend(added)
                side = comparison.sides[told.place]
                columns.stream(True, range(0) if side.done else range(told.place, told.place + 1))
        self._show_counts()
        if self._job is not None:
            self._show_progress()

    def _over(self, comparison: Comparison) -> None:
        self._job, self._loading = None, ""
        comparison.over()
        self.columns.stream(False)
        notes = dict.fromkeys(note.text for side in comparison.sides for note in side.notes if note.level != "info")
        self._say(" ".join((f"{AFTER}.", *notes)))

    def _show_progress(self) -> None:
        comparison = self.comparison
        place = comparison.running if comparison else None
        if comparison is None or place is None:
            return
        side = comparison.sides[place]
        done = sum(side.done for side in comparison.sides)
        what = self._loading or f"{side.variant.name}: {plural(side.session.new_tokens, 'new token')}"
        self._say(f"{done} of {len(comparison.sides)} are there; {what} · esc ends it, then one can be taken over")

    def _show_counts(self) -> None:
        for view in self.columns.views:
            self._show_count(view)

    def _show_count(self, view: OutputView) -> None:
        comparison, place = self.comparison, view.sequence
        if comparison is None or place >= len(comparison.sides):
            return
        side = comparison.sides[place]
        written = side.session.written(0)
        tokens = plural(written, "new token") if written else ""
        parts = (*map(safe_text, comparison.state(place)), tokens)
        width = view.outer_size.width - ENDS
        view.border_subtitle = escape(counts_line(*parts, count=view.written, width=width))
        here = "▸" if view is self.columns.current else " "
        view.border_title = escape(f"{here}[{place + 1}] {safe_text(side.variant.name)}")

    def on_columns_turned(self) -> None:
        """Another column is the current one."""
        self._show_counts()

    def on_columns_fitted(self) -> None:
        """More or fewer of them have room."""
        self.call_after_refresh(self._show_counts)

    # Keys

    def action_give_up(self) -> None:
        """End what is under way, else close."""
        if self._job is None:
            self.dismiss(None)
        else:
            self._job.stop()
            self._owner.worker.wake()

    def action_take(self) -> None:
        """Take the current column over as the text."""
        comparison, place = self.comparison, self.columns.current.sequence
        if comparison is None or self._job is not None:  # what is under way is said
            return
        writing, side = comparison.taken(place), comparison.sides[place]
        if writing is None:
            self._say("Nothing has come of this one.")
        else:
            self.dismiss(Taken(side.variant.name, writing, side.variant.settings))

    def action_next(self) -> None:
        """To the next column."""
        columns = self.columns
        columns.turn((columns.current.sequence + 1) % columns.count)
        columns.current.focus()

    def action_several(self) -> None:
        """All that have room, or one."""
        self.columns.several = not self.columns.several

    def action_copy(self) -> None:
        """Copy the text of the current column."""
        if isinstance(self.focused, Input):
            raise SkipAction()
        self.app.copy_to_clipboard(self.columns.current.text())

    def action_preset(self, digit: int) -> None:
        """Add a preset to the line."""
        self._line.value = " ".join(filter(None, (self._line.value, PARTS, f"preset={digit}")))
        self._line.focus()
        self._line.cursor_position = len(self._line.value)

    def _say(self, text: str) -> None:
        self._said.update(safe_text(text))
