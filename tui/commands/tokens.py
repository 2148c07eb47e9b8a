"""Looking inside: tokens, how it works, and prompts to start from."""

from __future__ import annotations

from engine.conversation import with_reply
from engine.recipes import Recipe, next_blank, recipes_for
from tui.commands.base import SessionApp
from tui.pieces import text_of

MOST = 20_000
"""Characters that the inspector opens with: a line of more would make its editor slow."""


class TokenCommands(SessionApp):
    """Screens that show what a text is made of, and what prompts can be made of."""

    def action_inspector(self) -> None:
        """Open the inspector with what is selected, or what the pane with the focus holds."""
        from tui.screens.inspector import InspectorScreen

        text = self.prompt.selected_text or self.prompt.text
        if self.output.has_focus and self.output.text():
            text = self._read_as()
        if len(text) > MOST:
            self.hint(f"The inspector takes {MOST:,} characters: these are the last ones.")
        self.push_screen(InspectorScreen(self, text[-MOST:]))

    def _read_as(self) -> str:
        """The shown sequence with its prompt, in a chat as one types that."""
        session, place = self.session, self.output.sequence
        if session.settings.chat and place < len(session.sequences):
            return with_reply(session.writing.prompt, text_of(session.pieces(place)[1:]))
        return self.output.text()

    def action_inside(self) -> None:
        """Show how the last run went, and what is remembered of it."""
        from tui.screens.inside import InsideScreen

        self.push_screen(InsideScreen(self))

    def action_recipes(self) -> None:
        """Choose a recipe; it takes the prompt's place, and its first blank is selected."""
        from tui.screens.recipes import RecipesScreen

        def take(recipe: Recipe | None) -> None:
            if recipe is None:
                return
            self.main.turn_to_prompt()
            self.prompt.put(recipe.text)
            self._to_blank(0)

        family = self.session.facts.family if self.session.facts else ""
        self.push_screen(RecipesScreen(recipes_for(family)), take)

    def action_next_blank(self) -> None:
        """To the next blank of the prompt."""
        self.after_typing(lambda: self._to_blank(self.prompt.search_from() + bool(self.prompt.selected_text)))

    def _to_blank(self, after: int) -> None:
        span = next_blank(self.prompt.text, after)
        if span is None:
            self.hint(f"There is no blank in the prompt; {self.actions.key('recipes')} has recipes with some.")
            return
        self.main.turn_to_prompt()
        self.prompt.select_span(*span)
