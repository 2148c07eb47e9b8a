"""The pane: one step, that was or is to come; a token can be taken from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.widgets.lens.table import KEYS, facts, places, rows
from tui.widgets.settings_panel.fit import wrapped

if TYPE_CHECKING:
    from engine.weighing import Weighing

EMPTY = "What the model is about to say stands here, as soon as there is a text."


class LensPane(Widget, can_focus=True):
    """Shows one step. It asks for nothing itself."""

    HELP = (
        "What a step weighed: the likeliest tokens as the model had them, and after a stage of the sampler. ← and → go "
        "through the stages; ✂ names the one that ruled a token out, ◂ is the token that came. A digit, or ↑ ↓ and "
        "enter, takes a token: under the token cursor it begins another road, in a held run it comes next. In the "
        "output ← and → walk from token to token."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "look(-1)", "The candidate above", id="lens.up", show=False),
        Binding("down", "look(1)", "The candidate below", id="lens.down", show=False),
        Binding("left", "stage(-1)", "The stage before", id="lens.stage_before", show=False),
        Binding("right", "stage(1)", "The stage after", id="lens.stage_after", show=False),
        Binding("enter", "take", "Take the token", id="lens.take", show=False),
        *(
            Binding(key, f"take({row})", f"Take the token of row {row + 1}", id=f"lens.take_{key}", show=False)
            for row, key in enumerate(KEYS)
        ),
    ]
    DEFAULT_CSS = """
    LensPane {
        border: round $border-blurred;
        border-title-color: $primary;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        height: 15;
        &:focus { border: round $border; }
    }
    """

    class Taken(Message):
        """A person wants this token."""

        def __init__(self, token_id: int) -> None:
            super().__init__()
            self.token_id = token_id

    class Opened(Message):
        """It has come into sight, and would show what there is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.border_title = "Next token"
        self._weighing: Weighing | None = None
        self._trouble = ""
        self._stage: str | None = None  # by its name, so that it stays where others come and go
        self._here: int | None = None

    @property
    def weighing(self) -> Weighing | None:
        """What is shown."""
        return self._weighing

    def show(self, title: str, weighing: Weighing | None, trouble: str = "") -> None:
        """Show a step, or why there is none."""
        self.border_title = title
        self._weighing, self._trouble = weighing, trouble
        self.refresh()

    def clear(self) -> None:
        """Nothing to see yet."""
        self._here = None
        self.show("Next token", None)

    def _place(self) -> int:
        """The place of the stage that stands on the right: the last, unless one was chosen that is on."""
        assert self._weighing is not None
        names = [stage.name for stage in self._weighing.stages]
        return names.index(self._stage) if self._stage in names else len(names) - 1

    def lines(self) -> list[Content]:
        """All that is to be seen, as high and wide as the pane is."""
        width, height = self.content_size
        if self._weighing is None:
            return [Content.styled(line, "$text-muted") for line in wrapped(self._trouble or EMPTY, width, height)]
        said = [Content.styled(line, "$text") for text in facts(self._weighing) for line in wrapped(text, width, 1)]
        here = self._here if self.has_focus else None
        return said + rows(self._weighing, self._place(), width, height - len(said), here)

    def render(self) -> Content:
        """Line under line; the tokens are untrusted and made safe."""
        return Content("\n").join(self.lines())

    def on_show(self) -> None:
        """What was not looked at while it was hidden is looked at now."""
        self.post_message(self.Opened())

    def on_focus(self) -> None:
        """Say what can be done."""
        self.border_subtitle = "1-0 or enter take · ←→ stages"

    def on_blur(self) -> None:
        """What could be done is said no longer."""
        self.border_subtitle = ""

    def on_click(self, event: events.Click) -> None:
        """A click looks at a row, a second one takes its token."""
        row = event.get_content_offset_capture(self).y - self._first_row
        if self._weighing is None or not 0 <= row < len(self._shown_ids):
            return
        if row == self._here or event.chain > 1:
            self.action_take(row)
        else:
            self._here = row
            self.refresh()

    @property
    def _first_row(self) -> int:
        return len(facts(self._weighing)) + 1 if self._weighing else 0

    @property
    def _shown_ids(self) -> list[int]:
        """The ids of the rows that have room."""
        if self._weighing is None:
            return []
        shown = places(self._weighing, self.content_size.height - self._first_row)
        return [self._weighing.ids[place] for place in shown]

    def action_look(self, by: int) -> None:
        """To the row above or below."""
        if count := len(self._shown_ids):
            self._here = 0 if self._here is None else min(max(self._here + by, 0), count - 1)
            self.refresh()

    def action_stage(self, by: int) -> None:
        """What stands on the right is the stage before, or after."""
        if self._weighing is not None:
            first = min(1, len(self._weighing.stages) - 1)  # the raw one stands on the left in any case
            place = min(max(self._place() + by, first), len(self._weighing.stages) - 1)
            last = place == len(self._weighing.stages) - 1
            self._stage = None if last else self._weighing.stages[place].name
            self.refresh()

    def action_take(self, row: int | None = None) -> None:
        """Take the token of a row, of the one that is looked at where none is named."""
        place, ids = self._here if row is None else row, self._shown_ids
        if place is not None and place < len(ids):
            self.post_message(self.Taken(ids[place]))
