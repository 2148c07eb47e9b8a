"""How it works inside: prefill and decoding, what is remembered, and the library's loop beside the one here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.safe_text import safe_text
from tui.asking import Asked, AskJob

if TYPE_CHECKING:
    from engine.twice import Twice
    from tui.commands.base import SessionApp

EVERY_S = 0.25
_OFFER = "enter runs the prompt twice, by transformers' own generate() and by the loop here: the same tokens?"


class InsideScreen(ModalScreen[None]):
    """Follows a run that is under way; enter runs the prompt by both loops, escape ends that, then closes."""

    DEFAULT_CSS = """
    InsideScreen { align: center middle; }
    InsideScreen #inside-box {
        width: 84; max-width: 100%; height: 100%; max-height: 32;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    InsideScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    InsideScreen VerticalScroll Static { height: auto; }
    InsideScreen #inside-twice { height: auto; border-top: solid $border-blurred; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "end what is under way here, or close", id="inside.close", show=False),
        Binding("enter", "twice", "run the prompt by both loops", id="inside.twice", show=False),
    ]

    def __init__(self, owner: SessionApp) -> None:
        super().__init__()
        self._owner = owner
        self._reading = Static(markup=False)
        self._twice = Static(_OFFER, markup=False, id="inside-twice")
        self._asked: AskJob | None = None

    def compose(self) -> ComposeResult:
        """What is known, and what can be tried."""
        with Vertical(id="inside-box") as box:
            box.border_title = "Inside"
            box.border_subtitle = "enter compares · esc closes"
            with VerticalScroll():
                yield self._reading
            yield self._twice

    def on_mount(self) -> None:
        """Follow the run."""
        self._show()
        self.set_interval(EVERY_S, self._show)

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._end()

    def _show(self) -> None:
        facts = self._owner.session.facts
        positions, dtype = (facts.positions, facts.dtype) if facts else (None, "")
        self._reading.update(Text("\n".join(self._owner.insight.lines(positions, dtype))))

    def action_twice(self) -> None:
        """Run the prompt by both loops."""
        if self._asked is not None:
            return
        prompt, settings = self._owner.prompt.text, self._owner.session.settings

        def ask(model: Any, report: Callable[[int, int], None]) -> Twice:
            from engine.twice import twice

            return twice(model, prompt, settings, report)

        def told(done: int, total: int) -> None:
            which = "the library's loop" if 2 * done <= total else "the loop here"
            self._say(f"{which}: {done} of {total} · esc ends it")

        waits = " once the run under way has ended" if self._owner.session.running else ""
        self._say(f"The prompt is run twice{waits} · esc ends it")
        self._asked = AskJob(ask, self._answered, told)
        self._owner.worker.put(self._asked)

    def _answered(self, answer: Asked) -> None:
        self._asked = None
        self._say(safe_text(answer.error) if answer.error else verdict(answer.answer))

    def action_give_up(self) -> None:
        """End the comparison that is under way, else close."""
        if self._asked is None:
            self.dismiss()
            return
        self._end()
        self._say(f"Ended. {_OFFER}")

    def _end(self) -> None:
        if self._asked is not None:
            self._asked.cancelled.set()
            self._asked = None

    def _say(self, text: str) -> None:
        self._twice.update(Text(text))


def verdict(twice: Twice) -> str:
    """What came of running it by both loops."""
    at = twice.first_difference
    times = f"generate() {twice.library_s:.2f} s, here {twice.loop_s:.2f} s"
    if at is None:
        return f"✓ The same {len(twice.loop)} tokens by both loops. {times}"
    return f"✗ Token {at} differs: by generate() {_id(twice.library, at)}, here {_id(twice.loop, at)}. {times}"


def _id(ids: tuple[int, ...], at: int) -> str:
    return f"id {ids[at]}" if at < len(ids) else "none"
