"""The field that is laid over a row while its value is typed."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.suggester import Suggester, SuggestFromList

from engine.adapter_completion import completed
from engine.safe_text import safe_text
from engine.settings.parameter import Parameter
from tui.widgets.settings_panel.columns import GUTTER, Columns
from tui.widgets.settings_panel.safe_input import SafeInput

NUMERIC = frozenset({"int", "float"})


class ValueEditor(SafeInput):
    """Edits one parameter's text; it reads and writes by the parameter's own `format` and `parse`."""

    DEFAULT_CSS = """
    ValueEditor { layer: editor; position: absolute; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # The rows cannot be walked while one is edited.
        Binding("up,down,pageup,pagedown", "hold", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(compact=True)
        self.parameter: Parameter | None = None
        """What is being edited; None while the field is shut."""
        self._prefilled = ""

    def open(self, parameter: Parameter, value: Any, typed: str = "") -> None:
        """Start with the value as it stands, selected; or with what was `typed` in its place."""
        self.parameter = parameter
        self._prefilled = safe_text(parameter.format(value))
        self.suggester = _suggester(parameter)
        self.select_on_focus = not typed
        self.value = typed or self._prefilled
        self.cursor_position = len(self.value)
        self.add_class("-open")
        self.focus(scroll_visible=False)

    def shut(self) -> None:
        """Put the field away."""
        self.parameter = None
        self.remove_class("-open")

    @property
    def untouched(self) -> bool:
        """Whether the text is still the one it was opened with: then there is nothing to read from it."""
        return self.value == self._prefilled

    def place(self, row: Region, columns: Columns) -> None:
        """Lie over the value of a row; a text has its room from the end of the title on."""
        assert self.parameter is not None
        start = columns.value_at
        if self.parameter.kind not in NUMERIC and self.parameter.kind != "choice":
            start = min(start, GUTTER + cell_len(self.parameter.title) + 1)
        self.styles.offset = Offset(row.x + start, row.y)
        self.styles.width = max(row.width - start, 1)

    def action_hold(self) -> None:
        """Stay where the editing is."""


class _Adapters(Suggester):
    """Folders change while one types: nothing is remembered."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return completed(value)


def _suggester(parameter: Parameter) -> Suggester | None:
    if parameter.name == "adapters":
        return _Adapters()
    return SuggestFromList(parameter.choices) if parameter.choices else None


def starts_a_number(parameter: Parameter, character: str | None) -> bool:
    """Whether typing this on a row begins a new number there."""
    return parameter.kind in NUMERIC and character is not None and character in "0123456789."
