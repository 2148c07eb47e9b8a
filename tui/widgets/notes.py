"""The notes: what the reader should know, the newest run's on top of each other, errors told apart by a sign."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from engine.events import Level, Note
from engine.safe_text import safe_text

_SIGNS: dict[Level, str] = {"info": "·", "warning": "▲", "error": "✗"}
_NONE = "nothing to tell"


class NotesPane(VerticalScroll):
    """Hidden while there is nothing to say."""

    HELP = (
        "What was done to the prompt, what could not be done, and the way on: · tells, ▲ warns, ✗ is an error. "
        "Hidden while there is nothing to say."
    )
    DEFAULT_CSS = """
    NotesPane {
        border: round $border-blurred;
        border-title-color: $primary;
        height: auto;
        max-height: 6;
        display: none;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        &.-told { display: block; }
        &:focus { border: round $border; }
        Static { width: 1fr; height: auto; }
        .-warning { color: $text-warning; }
        .-error { color: $text-error; }
        .-info { color: $text-muted; }
    }
    """

    class Told(Message):
        """There is a new note; `text` is raw."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Notes"
        self.border_subtitle = _NONE
        self._lines: dict[Note, Static] = {}

    @property
    def notes(self) -> list[Note]:
        """What is shown, oldest first."""
        return list(self._lines)

    def add(self, note: Note) -> None:
        """Show one more note; the same one twice stands there once, at the end."""
        if line := self._lines.pop(note, None):
            line.remove()
        text = Content.assemble((_SIGNS[note.level], "bold"), " ", safe_text(note.text))
        self._lines[note] = Static(text, classes=f"-{note.level}", markup=False)
        self.mount(self._lines[note])
        self.add_class("-told")
        self.border_subtitle = ""
        self.post_message(self.Told(f"{_SIGNS[note.level]} {note.text}"))
        self.call_after_refresh(self.scroll_end, animate=False)

    def clear(self) -> None:
        """Forget the notes of the last run."""
        self._lines.clear()
        self.remove_children()
        self.remove_class("-told")
        self.border_subtitle = _NONE
