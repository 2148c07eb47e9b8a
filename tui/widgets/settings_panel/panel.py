"""The settings panel: rows to read, step, type, search and fold; it proposes changes and the app decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import SettingError
from engine.safe_text import safe_text
from engine.settings import PARAMETERS, Settings, parameter_named
from engine.settings.parameter import Parameter
from tui.widgets.settings_panel.help_line import EDITING_KEYS, FOLD_HELP, PANEL_HELP, HelpLine, setting_facts
from tui.widgets.settings_panel.looks import PANEL_CSS
from tui.widgets.settings_panel.row_cells import LEGEND
from tui.widgets.settings_panel.row_list import RowList
from tui.widgets.settings_panel.rows import FoldRow, Refusal, arranged, row_name, value_at
from tui.widgets.settings_panel.safe_input import SafeInput
from tui.widgets.settings_panel.value_editor import ValueEditor, starts_a_number

MARK_SECONDS = 2.0
HELP_FROM_ROWS, ROOMY_FROM_ROWS = 12, 20


class SettingsPanel(Vertical):
    """All settings, made from their declarations.

    `primary` names the settings that are in view at first, in that order; the others are folded away.
    `key_hints` says beside a setting which keys move it from anywhere. An accepted value is shown at once and
    posted as `Edited`; the app answers with `show`, which has the last word.
    """

    HELP = PANEL_HELP
    DEFAULT_CSS = PANEL_CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,minus", "step(-1)", "Step down", show=False, id="settings.less"),
        Binding("right,plus,equals_sign", "step(1)", "Step up", show=False, id="settings.more"),
        Binding("enter", "open", "Edit", show=False, id="settings.edit"),
        Binding("delete,backspace", "reset", "Back to its default", show=False, id="settings.reset"),
        Binding("slash", "search", "Search settings", show=False, id="settings.search"),
        Binding("down", "leave_search", "To what was found", show=False, id="settings.found"),
        Binding("escape", "give_up", "Close", show=False, id="settings.escape"),
    ]

    running: reactive[bool] = reactive(False)
    """Whether a run is on: settings that wait for the next one are dimmed."""

    @dataclass
    class Looked(Message):
        """The user looks at another setting."""

        name: str

    @dataclass
    class Edited(Message):
        """The user gave a setting a new value; the combination with the others has been checked."""

        name: str
        value: object

    def __init__(
        self,
        settings: Settings,
        *,
        primary: Sequence[str] = (),
        key_hints: Mapping[str, str] | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.settings = settings
        """What is shown."""
        self.refusal: Refusal | None = None
        """The value that was last refused, until a good one is given or escape."""
        self.just_changed: frozenset[str] = frozenset()
        """The settings that the last change moved, for a moment."""
        self.unfolded = False
        """Whether the settings beyond the primary ones are in view."""
        self._primary = tuple(parameter_named(name).name for name in primary)
        self._rows = RowList(settings, dict(key_hints or {}))
        self._search = SafeInput(placeholder="search settings", compact=True, id="settings-search")
        self._editor = ValueEditor()
        self._help = HelpLine()
        self._unmarking: Timer | None = None
        self._effect, self._searching = ("", ""), False
        self._name_of: Callable[[Settings], str] = lambda _: ""
        self.border_title = "Settings"
        self.border_subtitle = LEGEND

    def compose(self) -> ComposeResult:
        """The search field, the rows, their help, and the editor that is laid over a row."""
        yield self._search
        yield self._rows
        yield self._help
        yield self._editor

    def on_mount(self) -> None:
        """Lay out the rows."""
        self._arrange()
        self._explain()

    # What is shown

    @property
    def highlighted(self) -> str | None:
        """The setting under the highlight; None on the fold."""
        row = self._rows.highlighted
        return row_name(row) if row else None

    @property
    def editing(self) -> str | None:
        """The setting whose value is being typed."""
        return self._editor.parameter.name if self._editor.parameter else None

    @property
    def names(self) -> list[str]:
        """The settings that have a row now, from top to bottom."""
        return [name for row in self._rows.lines if (name := row_name(row))]

    @property
    def query_text(self) -> str:
        """What is searched for; empty when the search is closed."""
        return self._search.value if self._search.has_class("-open") else ""

    def show(self, settings: Settings) -> None:
        """Show these settings; rows whose value differs from what was shown are marked for a moment."""
        moved = self.settings.differences(settings)
        if not moved:
            return
        self.settings = settings
        self._entitle()
        self.just_changed = frozenset(moved)
        self._rows.show_values(settings, self.just_changed)
        self._refuse(None)
        if self._unmarking:
            self._unmarking.stop()
        if self.is_attached:
            self._unmarking = self.set_timer(MARK_SECONDS, self.unmark)

    def entitle(self, name_of: Callable[[Settings], str]) -> None:
        """Take over how settings are called as a whole: the name stands in the title, as long as it is theirs."""
        self._name_of = name_of
        self._entitle()

    def _entitle(self) -> None:
        name = self._name_of(self.settings)
        self.border_title = Content(f"Settings · preset {safe_text(name)}" if name else "Settings")

    def unmark(self) -> None:
        """Take the marks of the last change away."""
        self.just_changed = frozenset()
        self._rows.show_values(self.settings, self.just_changed)

    def show_effect(self, name: str, text: str) -> None:
        """Say what a setting does to the next token, while it is the highlighted one."""
        self._effect = (name, text)
        self._explain()

    @property
    def effect(self) -> str:
        """What the highlighted setting does to the next token, as far as it is known."""
        return self._effect[1] if self._effect[0] == self.highlighted else ""

    def highlight(self, name: str) -> None:
        """Bring a setting's row into view and highlight it, opening the fold where that hides it."""
        if not self._rows.highlight(name):
            self.unfolded = True
            self._close_search()
            self._rows.highlight(name)

    def focus(self, scroll_visible: bool = True, *args: Any, **kwargs: Any) -> SettingsPanel:
        """The focus goes to the rows."""
        self._rows.focus(scroll_visible)
        return self

    def watch_running(self, running: bool) -> None:
        """Dim what this run will not take any more, and say so."""
        self._rows.running = running
        self._explain()

    def on_resize(self) -> None:
        """The help's height follows from the panel's alone, so that nothing jumps as one moves about."""
        rows = self.outer_size.height
        self._help.display = rows >= HELP_FROM_ROWS
        self._help.set_class(rows >= ROOMY_FROM_ROWS, "-roomy")

    def _arrange(self) -> None:
        rows = arranged(PARAMETERS.values(), self._primary, unfolded=self.unfolded, query=self.query_text)
        self._rows.lay_out(rows, self.refusal)

    def _explain(self) -> None:
        row = self._rows.highlighted
        if isinstance(row, FoldRow):
            self._help.say(FOLD_HELP, "")
        elif name := self.highlighted:
            parameter = PARAMETERS[name]
            facts = EDITING_KEYS if self.editing else setting_facts(parameter, running=self.running)
            self._help.say(safe_text(parameter.help), facts, self.effect)
        else:
            self._help.say("", "")

    # Changing a value

    def propose(self, name: str, value: Any) -> bool:
        """Take the value if it goes with the others, else say why not; True if it was taken."""
        try:
            proposed = self.settings.changed(**{name: value})
        except SettingError as error:
            self._refuse(Refusal(name, safe_text(str(error))))
            return False
        self._refuse(None)
        # Shown before the app answers, so that the next step starts from here however fast the keys come.
        if self.settings.differences(proposed):
            self.show(proposed)
            self.post_message(self.Edited(name, getattr(proposed, name)))
        return True

    def action_step(self, by: int) -> None:
        """Move the highlighted value a step."""
        if parameter := self._parameter():
            self.propose(parameter.name, parameter.stepped(getattr(self.settings, parameter.name), by))

    def action_reset(self) -> None:
        """Return the highlighted value to its default."""
        if parameter := self._parameter():
            self.propose(parameter.name, parameter.default)

    def action_open(self) -> None:
        """Edit the highlighted value, take the next choice, or open and close the fold."""
        if isinstance(self._rows.highlighted, FoldRow):
            self.unfolded = not self.unfolded
            self._arrange()
        elif parameter := self._parameter():
            if parameter.kind == "bool":
                self.propose(parameter.name, not getattr(self.settings, parameter.name))
            elif parameter.choices:
                place = parameter.choices.index(getattr(self.settings, parameter.name)) + 1
                others = (*parameter.choices[place:], *parameter.choices[: place - 1])
                # What does not go with the rest as things stand is passed over.
                next((other for other in others if self.propose(parameter.name, other)), None)
            else:
                self._edit(parameter.name)

    def _parameter(self) -> Parameter | None:
        return PARAMETERS[name] if (name := self.highlighted) else None

    def _refuse(self, refusal: Refusal | None) -> None:
        """Say under its row what was refused, or take that away."""
        if refusal != self.refusal:
            self.refusal = refusal
            self._arrange()
            self._rows.reveal()
            self._place_editor()

    # Typing a value

    def on_key(self, event: events.Key) -> None:
        """A digit on a row begins its value, a slash a search; what was typed before that had the focus is its own."""
        parameter, sign = self._parameter(), event.character or ""
        if self._searching and event.is_printable:
            self._search.insert_text_at_cursor(sign)
        elif not self._rows.has_focus:
            return
        elif event.key == "slash":
            self.action_search()
        elif parameter and starts_a_number(parameter, event.character):
            self._edit(parameter.name, sign)
        elif not sign.isdecimal():  # beside a row of numbers a digit is no preset either
            return
        event.stop().prevent_default()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter accepts a value, or goes from the search to what it found."""
        event.stop()
        parameter = self._editor.parameter
        if event.input is self._search:
            self._searching = False
            self._rows.focus()
        elif parameter and (self._editor.untouched or self._accept(parameter)):
            self._stop_editing()

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """Leaving a half-typed value gives it up; only a terminal that loses the focus leaves it open."""
        event.stop()
        if event.input is self._editor and self.editing and self.app.app_focus and not self._editor.has_focus:
            self._stop_editing(refocus=False)

    def _edit(self, name: str, typed: str = "") -> None:
        self._rows.held = True
        self._rows.reveal()
        self._editor.open(PARAMETERS[name], getattr(self.settings, name), typed)
        self._place_editor()
        self._explain()

    def _accept(self, parameter: Parameter) -> bool:
        try:
            value = parameter.parse(self._editor.meant)
        except SettingError as error:
            self._refuse(Refusal(parameter.name, safe_text(str(error))))
            return False
        return self.propose(parameter.name, value)

    def _stop_editing(self, *, refocus: bool = True) -> None:
        self._editor.shut()
        self._rows.held = False
        self._refuse(None)
        if refocus:
            self._rows.focus()
        self._explain()

    def _place_editor(self) -> None:
        name = self.editing
        if name and (row := self._rows.row_region(name)):
            self._editor.place(row.translate(-self.content_region.offset), self._rows.columns)

    # Search and escape

    def action_search(self) -> None:
        """Open the search field; rows are filtered as one types."""
        self._search.add_class("-open")
        self._search.focus()
        self._searching = True

    def action_leave_search(self) -> None:
        """From the search field to what it found."""
        if not self._search.has_focus:
            raise SkipAction
        self._searching = False
        self._rows.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter by what is searched for."""
        event.stop()
        if event.input is self._search:
            self._arrange()

    def action_give_up(self) -> None:
        """Close what is open, innermost first; with nothing open, escape is the app's."""
        if self.editing:
            self._stop_editing()
        elif self.refusal:
            self._refuse(None)
        elif self._search.has_class("-open"):
            found = None if self._search.has_focus else self.highlighted
            self._close_search()
            self._rows.focus()
            if found:
                self.highlight(found)
        else:
            raise SkipAction

    def _close_search(self) -> None:
        self._search.remove_class("-open")
        self._searching = False
        self._search.value = ""
        self._arrange()

    # From the rows

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        """Explain the row that is now highlighted."""
        event.stop()
        self._explain()
        if self.highlighted:
            self.post_message(self.Looked(self.highlighted))

    def on_row_list_slid(self, event: RowList.Slid) -> None:
        """Take the value that stands at this place of the slider."""
        event.stop()
        self.propose(event.name, value_at(PARAMETERS[event.name], event.fraction))

    def on_row_list_pressed(self, event: RowList.Pressed) -> None:
        """A click opens the fold, a double click edits."""
        event.stop()
        if isinstance(event.row, FoldRow) or event.twice:
            self.action_open()

    def on_row_list_relaid(self, event: RowList.Relaid) -> None:
        """The editor stays over its row."""
        event.stop()
        self._place_editor()
