"""The first start: where to begin, in five lines. The first key closes it and does what it always does."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from textual import events
from textual.content import Content
from textual.widgets import Static

from tui.actions import Actions, shown


class Welcome(Static):
    """Lies over the panes and takes no key for itself."""

    DEFAULT_CSS = """
    Welcome {
        layer: above;
        position: absolute;
        width: auto; max-width: 100%; height: auto;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; color: $text; padding: 0 2;
    }
    """

    def __init__(self, actions: Actions) -> None:
        def key(id: str) -> tuple[str, str]:
            return (" ".join(map(shown, actions[id].keys)) or "the palette", "bold $primary")

        warmer, cooler = actions["temperature.up"], actions["temperature.down"]
        lines = (
            Content.assemble("Type how a text begins, press ", key("run"), ", and the model writes on."),
            Content.assemble(
                "While it writes: ", key(warmer.id), " bolder, ", key(cooler.id), " calmer, ", key("stop"), " ends it."
            ),
            Content.assemble("A whole way to write: ", key("preset_4"), " wild, ", key("preset_5"), " greedy."),
            Content.assemble("Everything there is: ", key("palette"), ".  What keys and panes do: ", key("help"), "."),
            Content.assemble("To leave: ", key("quit"), ".  The text is kept; nothing leaves this machine."),
        )
        super().__init__(Content("\n").join(lines), id="welcome")
        self.border_title = "Welcome"
        self.border_subtitle = "any key goes on"

    def on_mount(self) -> None:
        """In the middle, and so that one can still see where one types."""
        self.call_after_refresh(self._centre)

    def _centre(self) -> None:
        room, own = self.screen.size, self.outer_size
        self.styles.offset = (max((room.width - own.width) // 2, 0), max((room.height - own.height) // 2, 0))

    def on_click(self, event: events.Click) -> None:
        """A click closes it too."""
        event.stop()
        self.remove()


def is_first_start() -> bool:
    """Whether nobody has been welcomed yet; from now on somebody has.

    A folder that cannot be written is no reason to stop, nor to welcome somebody again and again.
    """
    mark = user_data_path("textgen-tui") / "welcomed"
    return _mark(mark)


def _mark(mark: Path) -> bool:
    try:
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(exist_ok=False)
    except OSError:
        return False
    return True
