"""Which recipe to start from: a list to narrow by typing, and the recipe as it will stand in the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.recipes import Recipe, blanks
from tui.widgets.settings_panel.safe_input import SafeInput


class RecipesScreen(ModalScreen[Recipe | None]):
    """Gives the chosen recipe, or None."""

    DEFAULT_CSS = """
    RecipesScreen { align: center middle; }
    RecipesScreen #recipes-box {
        width: 96; max-width: 100%; height: 90%; max-height: 30;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    RecipesScreen Input { border: none; height: 1; padding: 0; background: $foreground 12%; }
    RecipesScreen OptionList { border: none; width: 30; height: 1fr; background: $surface; padding: 0; }
    RecipesScreen OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    RecipesScreen VerticalScroll { width: 1fr; height: 1fr; padding: 0 0 0 2; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "give up", id="recipes.close", show=False),
        Binding("down", "move(1)", "next", id="recipes.next", show=False, priority=True),
        Binding("up", "move(-1)", "previous", id="recipes.previous", show=False, priority=True),
    ]

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        super().__init__()
        self._recipes = list(recipes)
        self._shown = self._recipes
        self._list = OptionList(markup=False)
        self._preview = Static(markup=False)

    def compose(self) -> ComposeResult:
        """A field to narrow the list, the list, and what is in it."""
        with Vertical(id="recipes-box") as box:
            box.border_title = "Recipes"
            box.border_subtitle = "enter takes it, esc gives up"
            yield SafeInput(placeholder="type to narrow the list", compact=True)
            with Horizontal():
                yield self._list
                yield VerticalScroll(self._preview, can_focus=False)

    def on_mount(self) -> None:
        """All of them at first."""
        self._fill("")
        self.query_one(SafeInput).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list to what holds all that was typed, in whatever order."""
        event.stop()
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the highlighted one."""
        event.stop()
        self._choose(self._list.highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take one by a click."""
        event.stop()
        self._choose(event.option_index)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what is in it."""
        event.stop()
        self._preview.update(_previewed(self._shown[event.option_index]))

    def action_move(self, by: int) -> None:
        """Move in the list while the typing goes on."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def _fill(self, typed: str) -> None:
        words = typed.casefold().split()
        self._shown = [
            recipe
            for recipe in self._recipes
            if all(word in f"{recipe.name} {recipe.help} {recipe.text}".casefold() for word in words)
        ]
        self._list.clear_options()
        self._list.add_options([Option(Content(recipe.name)) for recipe in self._shown])
        self._list.highlighted = 0 if self._shown else None
        if not self._shown:
            self._preview.update("No recipe says that.")

    def _choose(self, place: int | None) -> None:
        if place is not None:
            self.dismiss(self._shown[place])


def _previewed(recipe: Recipe) -> Text:
    """What it is for, and its text with the blanks underlined."""
    text = Text(recipe.text)
    for start, end in blanks(recipe.text):
        text.stylize("underline bold", start, end)
    return Text.assemble((f"{recipe.help}\n\n", "italic"), text)
