"""The pages of the help, one a pane: what it is for, its own keys, the keys that work everywhere."""

from __future__ import annotations

from typing import NamedTuple

from textual.widget import Widget

from engine.settings import PARAMETERS, Settings
from tui.actions import Actions
from tui.help.keys import action_keys, everywhere, own_keys, without_keys
from tui.help.section import Row, Section
from tui.help.setting import setting_section
from tui.library_actions import LIBRARY
from tui.model_list_actions import MODELS
from tui.widgets.entry_list import EntryList
from tui.widgets.find_bar import FindBar
from tui.widgets.model_list import ModelList
from tui.widgets.notes import NotesPane
from tui.widgets.output import OutputView
from tui.widgets.output_editor import OutputEditor
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.settings_panel.row_list import RowList
from tui.widgets.strategy_pane import StrategyPane


class Page(NamedTuple):
    """A page: the pane that it is about, what in it has keys of its own, and whether one types there.

    What the pane is for stands where it is declared, as its `HELP`.
    """

    title: str
    pane: type[Widget]
    within: tuple[type[Widget], ...] = ()
    typing: bool = False
    actions: Actions | None = None
    """What can be done there alone, where that has a registry of its own."""

    @property
    def id(self) -> str:
        """Its name among the pages."""
        return f"help-{self.title.lower()}"


PAGES = (
    Page("Prompt", PromptPane, typing=True),
    Page("Output", OutputView),
    Page("Editor", OutputEditor, typing=True),
    Page("Settings", SettingsPanel, within=(RowList,)),
    Page("Notes", NotesPane),
    Page("Find", FindBar, typing=True),
    Page("Strategy", StrategyPane),
    Page("Transcripts", EntryList, actions=LIBRARY),
    Page("Models", ModelList, actions=MODELS),
)


class Looked(NamedTuple):
    """The settings as they are, the one that is being looked at, and what it does to the next token."""

    settings: Settings
    name: str | None = None
    effect: str = ""


def page_of(focused: Widget | None) -> Page:
    """The page about the pane that has the focus; the first where none has."""
    around = focused.ancestors_with_self if focused else ()
    return next((page for node in around for page in PAGES if isinstance(node, page.pane)), PAGES[0])


def sections(page: Page, actions: Actions, looked: Looked) -> list[Section]:
    """All that a page says, from top to bottom."""
    of_settings = page.pane is SettingsPanel

    def setting(name: str) -> Section:
        effect = looked.effect if name == looked.name else ""
        return setting_section(PARAMETERS[name], looked.settings, actions, effect)

    own = action_keys(page.actions, typing=False) if page.actions else ()
    here = (*own, *own_keys((*page.within, page.pane), everywhere(actions)))
    also = "" if page.typing else "; a letter, digit or sign alone where nobody types"
    found = [
        Section(page.title, (Row("", page.pane.HELP or ""),)),
        *([setting(looked.name)] if of_settings and looked.name else []),
        Section("Its own keys", here),
        Section(f"Keys that work everywhere{also}", action_keys(actions, typing=page.typing)),
        Section("In the palette alone", without_keys(actions)),
    ]
    if of_settings:
        found += [setting(name) for name in PARAMETERS if name != looked.name]
    return found
