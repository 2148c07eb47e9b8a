"""Help at hand: the keys and what the panes are for, on one page made from the registry."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import Actions, shown

PANES = (
    ("Prompt", "What the model writes on from. Its tokens are counted below it, with what the model has left."),
    (
        "",
        "Words: ^← ^→ (also with alt). Line: home end ^A. All: ^home ^end, M-A selects it. Shift selects. "
        "Delete: ^W M-D words, ^U ^K to the line's ends. ^X ^C ^V, ^Z takes back, ^Y brings back.",
    ),
    (
        "Output",
        "The prompt, dim, then what the model wrote; what you wrote into it is underlined. A mark stands where a "
        "setting changed.",
    ),
    ("Settings", "● obeys at the next token, ○ at the next run. Arrows move, enter types, / searches, del resets."),
    ("Notes", "What was done to the prompt, what could not be done, and the way on."),
)


class HelpScreen(ModalScreen[None]):
    """Closed by any of esc, q and ?."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 84; max-width: 95%; height: auto; max-height: 95%;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    HelpScreen Horizontal { height: auto; }
    HelpScreen .left { width: 12; text-align: right; }
    HelpScreen .right { width: 1fr; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close", id="help.close", show=False)
    ]

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll() as page:
            page.border_title = "Help"
            page.border_subtitle = "esc closes"
            for name, what in PANES:
                yield from _row(name, Content(what))
            yield Static()
            for entry in self._actions.entries():
                keys = " ".join(map(shown, entry.keys))
                yield from _row(keys, Content.assemble((entry.label, "bold"), f"  {entry.help}"))


def _row(left: str, right: Content) -> ComposeResult:
    with Horizontal():
        yield Static(Content.styled(f"{left}  ", "bold $primary"), classes="left")
        yield Static(right, classes="right")
