"""Help at hand: a page a pane, opened at the one that has the focus."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static, Tab, Tabs

from tui.actions import Actions
from tui.help.pages import PAGES, Looked, Page, sections
from tui.help.section import Section
from tui.widgets.settings_panel.safe_input import SafeInput

LEFT = 18  # cells for keys; more of them than that go on in the next line


class HelpScreen(ModalScreen[None]):
    """Left and right turn to the other pages, `/` searches the page, escape closes what is open."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen #help-box {
        width: 96; max-width: 100%; height: 95%;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    HelpScreen SafeInput { border: none; height: 1; padding: 0; background: $foreground 12%; display: none; }
    HelpScreen.-searching SafeInput { display: block; }
    HelpScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    HelpScreen VerticalScroll Static { height: auto; }
    HelpScreen Tab.-active { text-style: bold reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Close", id="help.escape", show=False),
        Binding("q", "dismiss", "Close", id="help.close", show=False),
        Binding("slash", "search", "Search the page", id="help.search", show=False),
        Binding("left", "turn(-1)", "The page before", id="help.left", show=False),
        Binding("right", "turn(1)", "The page after", id="help.right", show=False),
        *(
            Binding(key, f"scroll('{key}')", "Scroll", id=f"help.{key}", show=False)
            for key in ("up", "down", "pageup", "pagedown", "home", "end")
        ),
    ]

    def __init__(self, actions: Actions, page: Page, looked: Looked) -> None:
        super().__init__()
        for key in actions["help"].keys:  # what opens it closes it
            self._bindings.bind(key, "dismiss", show=False)
        self._actions = actions
        self._first = page
        self._looked = looked
        self._tabs = Tabs(*(Tab(page.title, id=page.id) for page in PAGES), active=page.id)
        self._search = SafeInput(placeholder="search this page", compact=True)
        self._text = Static(markup=False)
        self._scroll = VerticalScroll(self._text, can_focus=False)

    def compose(self) -> ComposeResult:
        """The pages' names, the search when it is open, and the page."""
        with Vertical(id="help-box") as box:
            box.border_title = "Help"
            box.border_subtitle = "← → other pages · / searches · esc closes"
            yield self._tabs
            yield self._search
            yield self._scroll

    def on_mount(self) -> None:
        """Begin with the keys on the names of the pages."""
        self._tabs.focus()

    @property
    def page(self) -> Page:
        """The page that is open."""
        return next((page for page in PAGES if page.id == self._tabs.active), self._first)

    def sections(self) -> list[Section]:
        """What is shown of the page: all of it, or what is searched for."""
        found = sections(self.page, self._actions, self._looked)
        words = self._search.value.split()
        return [kept for section in found if (kept := section.holding(words)).rows]

    def _show(self) -> None:
        shown = self.sections()
        self._text.update(_laid_out(shown) if shown else Text("Nothing on this page says that.", style="italic"))
        self._scroll.scroll_home(animate=False)

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        """Another page."""
        event.stop()
        self._show()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the page to what is searched for."""
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """From the search back to the pages; what was found stays."""
        event.stop()
        self._tabs.focus()

    def action_turn(self, by: int) -> None:
        """To the page beside this one, from the last to the first."""
        place = (PAGES.index(self.page) + by) % len(PAGES)
        self._tabs.active = PAGES[place].id

    def action_scroll(self, key: str) -> None:
        """As the key says."""
        move = {
            "up": self._scroll.scroll_up,
            "down": self._scroll.scroll_down,
            "pageup": self._scroll.scroll_page_up,
            "pagedown": self._scroll.scroll_page_down,
            "home": self._scroll.scroll_home,
            "end": self._scroll.scroll_end,
        }
        move[key](animate=False)

    def action_search(self) -> None:
        """Open the search."""
        self.add_class("-searching")
        self._search.focus()

    def action_give_up(self) -> None:
        """Close the search where it is open, else the help."""
        if not self.has_class("-searching"):
            self.dismiss()
            return
        self._search.value = ""
        self.remove_class("-searching")
        self._tabs.focus()


def _laid_out(shown: list[Section]) -> Table:
    """Keys on the left, words on the right; plain text throughout, so that nothing is read as markup."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(justify="right", width=LEFT)
    table.add_column(ratio=1)
    for number, section in enumerate(shown):
        if number:
            table.add_row()
        table.add_row("", Text(section.heading, style="bold underline"))
        for row in section.rows:
            table.add_row(Text(row.left, style="bold"), Text(row.right))
    return table
