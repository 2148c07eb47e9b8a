"""A model's card: its licence first, then what its makers say of it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.markup import escape
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import get_current_worker

from engine.errors import one_line
from engine.safe_text import safe_block, safe_text


class CardScreen(ModalScreen[None]):
    """Shows the text as it stands: markup of a card is never obeyed."""

    DEFAULT_CSS = """
    CardScreen { align: center middle; }
    CardScreen #card {
        width: 100; max-width: 100%; height: 100%;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    CardScreen #licence { height: auto; border-bottom: solid $border-blurred; }
    CardScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    CardScreen VerticalScroll Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss(None)", "close", id="card.close", show=False),
    ]

    def __init__(self, name: str, place: str) -> None:
        """`place` is the model's folder or file."""
        super().__init__()
        self._model, self._place = name, place
        self._licence = Static("Reading…", markup=False, id="licence")
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        """The licence, and the text below it."""
        with Vertical(id="card") as box:
            box.border_title = escape(f"Card of {safe_text(self._model)}")
            box.border_subtitle = "↑ ↓ scroll · esc closes"
            yield self._licence
            with VerticalScroll():
                yield self._text

    def on_mount(self) -> None:
        """Read it, in a thread."""
        self.query_one(VerticalScroll).focus()

        def look() -> None:
            from engine.models.card import card

            try:
                found = card(Path(self._place))
                licence, text = found.licence or "not told", found.text
            except Exception as error:  # it is a file, and may hold anything
                licence, text = "not told", one_line(error)
            if not get_current_worker().is_cancelled:
                self.app.call_from_thread(self._show, licence, text)

        self.run_worker(look, thread=True, exclusive=True, exit_on_error=False, group="card")

    def _show(self, licence: str, text: str) -> None:
        self._licence.update(Content.assemble(("Licence  ", "$foreground 62%"), safe_text(licence)))
        self._text.update(Content(safe_block(text)))
