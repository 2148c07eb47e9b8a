"""The first start: where to begin, in five lines. The first key closes it and does what it always does."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from textual import events
from textual.content import Content
from textual.widgets import Static

from tui.action import shown
from tui.actions import Actions


class Welcome(Static):
    """Lies over the panes and takes no key for itself."""

    DEFAULT_CSS = """
    Welcome {
        layer: above;
        position: absolute;
        width: auto; max-width: 100%; height: auto;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; color: $text; padding: 0 1;
    }
    """

    def __init__(self, actions: Actions) -> None:
        def key(id: str, place: int = 0) -> tuple[str, str]:
            keys = actions[id].keys
            return (shown(keys[place]) if keys else actions.key(id), "bold $primary")

        lines = (
            ("Type how a text begins, press ", key("run"), ", and the model writes on."),
            (
                *("While it writes: ", key("temperature.up"), " bolder, ", key("temperature.down"), " calmer, "),
                *(key("stop"), " ends it."),
            ),
            (
                "Ways to write: ",
                key("preset_1", -1),
                " neutral, ",
                key("preset_4", -1),
                " wild, up to 9.",
            ),
            ("Everything: ", key("palette"), ".  Help: ", key("help"), "."),
            ("To leave: ", key("quit"), ".  The text is kept; nothing leaves this machine."),
        )
        super().__init__(Content("\n").join(Content.assemble(*line) for line in lines), id="welcome")
        self.border_title = "Welcome"
        self.border_subtitle = "any key goes on"

    def on_mount(self) -> None:
        """Over the output, so that one can see where one types."""
        self.call_after_refresh(self._centre)

    def on_resize(self) -> None:
        """Another width may take more lines."""
        self._centre()

    def _centre(self) -> None:
        if not self.is_attached:  # a key was quicker
            return
        below, own, room = self.screen.query_one("#output").region, self.outer_size, self.screen.size
        x, y = below.x + (below.width - own.width) // 2, below.y + (below.height - own.height) // 2
        self.styles.offset = (max(min(x, room.width - own.width), 0), max(min(y, room.height - own.height), 0))

    def on_click(self, event: events.Click) -> None:
        """A click closes it too."""
        event.stop()
        self.close()

    def close(self) -> None:
        """Go away, also before it has come and after it has gone."""
        if self.is_attached:
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
