"""A one-line field that never holds a character the terminal would obey, and can still take a newline.

Control characters stand in it as their pictures, one for one (`␊` is a newline), and are turned back when the
text is taken. The rarer signs of `safe_text` (`<RLO>` and its like) stay as they are shown.
"""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from engine.safe_text import safe_text

_MEANT = {0x2400 + code: code for code in range(0x20)} | {0x2421: 0x7F}


class SafeInput(Input):
    """An `Input` whose value is fit to show, wherever it comes from."""

    def validate_value(self, value: str) -> str:
        """Every way into the field (keys, paste, code) passes here."""
        return safe_text(value)

    @property
    def meant(self) -> str:
        """The text as it was meant: pictures of control characters are those characters."""
        return self.value.translate(_MEANT)

    async def _on_key(self, event: events.Key) -> None:
        if event.key.startswith("alt+"):
            event.prevent_default()  # a command, if anything; Input would type the letter

    def _on_paste(self, event: events.Paste) -> None:
        # Input would keep the first line alone; here the others come too, joined by visible newlines.
        event.prevent_default()
        event.stop()
        self.replace(safe_text(event.text), *self.selection)
