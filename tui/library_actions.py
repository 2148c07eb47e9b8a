"""What can be done in the library of transcripts: its keys, footer, help and table are projections of this list."""

from __future__ import annotations

from tui.action import Action
from tui.actions import Actions

LIBRARY = Actions(
    (
        Action("library_open", ("enter",), "open_entry", "open", "Open it, and go on from where it ended.", weight=0),
        Action("library_play", ("ctrl+p",), "play_entry", "play", "Play it as it happened, from the file alone."),
        Action("library_name", ("ctrl+n",), "name_entry", "name", "Give it a name: it is kept apart, and for good."),
        Action("library_export", ("ctrl+s",), "export_entry", "export", "Export it: Markdown, text, JSON, HTML, SVG."),
        Action("library_delete", ("ctrl+d",), "delete_entry", "delete", "Throw it away, for now into the bin."),
        Action("library_undo", ("ctrl+z",), "bring_back", "bring back", "Take the last deletion back."),
        Action("library_close", ("escape",), "give_up", "close", "Clear what is searched for, then close.", weight=0),
    )
)
