"""What can be done with transcripts in the session, the library and a replay; the rest is in `tui/actions.py`."""

from __future__ import annotations

from tui.action import Action

TRANSCRIPTS = (
    Action(
        "library",
        ("alt+s",),
        "library",
        "transcripts",
        "The transcripts of all sessions: to search, open and go on with, play, name, delete, export.",
        weight=2,
    ),
    Action(
        "recover",
        ("alt+g",),
        "recover",
        "recover",
        "Go on from the session that was cut off, where one is offered.",
        in_footer=False,
    ),
    Action(
        "decline",
        ("alt+x",),
        "decline",
        "decline",
        "Never offer the session that was cut off again; the library keeps it.",
        in_footer=False,
    ),
    Action(
        "replay_faster",
        ("greater_than_sign",),
        "replay_speed(1)",
        "replay faster",
        "While a record is played: faster. The keys that hold, step and stop a run do so with a replay.",
        in_footer=False,
    ),
    Action(
        "replay_slower",
        ("less_than_sign",),
        "replay_speed(-1)",
        "replay slower",
        "While a record is played: slower.",
        in_footer=False,
    ),
    Action(
        "replay_end",
        ("G",),
        "replay_end",
        "replay to the end",
        "While a record is played: to its end at once.",
        in_footer=False,
    ),
    Action(
        "load_recorded",
        (),
        "load_recorded",
        "load the record's model",
        "Load the model that the opened record names, where another one is loaded.",
    ),
    Action(
        "verify",
        (),
        "verify",
        "verify the record",
        "Run this session's record again with the loaded model: identical, or the first token that differs.",
    ),
    Action(
        "save_record",
        (),
        "save_record",
        "save record elsewhere",
        "Record in another place from here on, beginning with all that was recorded: where a disk is full, say.",
    ),
)
