"""One line that stands above the status: what is offered, or what is being played. It takes no key for itself."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from engine.safe_text import safe_text


class Banner(Static):
    """Hidden while it has nothing to say."""

    DEFAULT_CSS = """
    Banner {
        height: 1; display: none; padding: 0 1; background: $surface; color: $text;
        text-wrap: nowrap; text-overflow: ellipsis;
        &.-told { display: block; }
        &.-replay { background: $primary 30%; }
        &.-replay:nocolor { text-style: reverse; }
    }
    """

    @dataclass
    class Pressed(Message):
        """It was clicked."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(markup=False, id=id)
        self.told = ""

    def tell(self, head: str, rest: str, *, replay: bool = False) -> None:
        """Say this, the head of it in bold; both may be untrusted."""
        self.told = f"{head} {rest}"
        self.update(Content.assemble((safe_text(head), "bold"), " ", safe_text(rest)))
        self.add_class("-told")
        self.set_class(replay, "-replay")

    def hide(self) -> None:
        """There is nothing to say any more."""
        self.told = ""
        self.remove_class("-told", "-replay")

    def on_click(self, event: events.Click) -> None:
        """A click does what its key does."""
        event.stop()
        self.post_message(self.Pressed())
