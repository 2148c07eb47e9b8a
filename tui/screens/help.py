"""Help at hand: the keys and what the panes are for, on one page made from the registry."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.settings import PARAMETERS
from tui.actions import ACTIONS, KNOBS, RUN

PANES = (
    ("Prompt", "What the model writes on from. Its tokens are counted below it, with what the model has left."),
    (
        "Output",
        "The prompt, dim, then what the model wrote. A mark stands where a setting changed.",
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

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll() as page:
            page.border_title = "Help"
            page.border_subtitle = "esc closes"
            for name, what in PANES:
                yield from _row(name, Content(what))
            yield Static()
            for keys, label, what in self._actions():
                yield from _row(keys, Content.assemble((label, "bold"), f"  {what}"))

    def _actions(self) -> list[tuple[str, str, str]]:
        """(keys, label, help), the two keys of a knob on one line."""
        knobs = {f"{name}.{way}" for name, _, _ in KNOBS for way in ("down", "up")}
        told = [(action.shown_key, action.label, action.help) for action in ACTIONS if action.id not in knobs]
        moves = [
            (f"{down.upper()} {up.upper()}", PARAMETERS[name].title, "a step down, a step up; the next token obeys.")
            for name, down, up in KNOBS
        ]
        return [*told[: len(RUN)], *moves, *told[len(RUN) :]]


def _row(left: str, right: Content) -> ComposeResult:
    with Horizontal():
        yield Static(Content.styled(f"{left}  ", "bold $primary"), classes="left")
        yield Static(right, classes="right")
