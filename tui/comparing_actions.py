"""Several texts at once: sequences side by side, and runs beside the text."""

from tui.action import Action

SEQUENCES = (
    Action("sequence", ("ctrl+l",), "next_sequence", "sequence", "To the next of several sequences.", weight=2),
    Action(
        "columns",
        ("alt+k", "c"),
        "columns",
        "side by side",
        "Several sequences side by side, as many as have room, or one at a time.",
        in_footer=False,
    ),
    Action(
        "keep_sequence",
        ("alt+m", "k"),
        "keep_sequence",
        "keep one",
        "Keep the shown sequence alone and put the others away; undo brings them back.",
        in_footer=False,
    ),
)
COMPARING = (
    Action(
        "compare",
        ("alt+u",),
        "compare",
        "compare",
        "The prompt under several presets, settings or models side by side, and where they part; take one over.",
        in_footer=False,
    ),
    Action(
        "sweep",
        ("alt+q",),
        "sweep",
        "sweep",
        "The prompt at a range of one setting: the one that is looked at, else the temperature.",
        in_footer=False,
    ),
)
