"""What can be done, once: keys, footer, palette, help and the README's table are projections of this list.

The keys are those that common terminals pass on: no F1, F10, F11 or F12, no ctrl+i, ctrl+m, ctrl+h, no ctrl+b (tmux).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from textual.binding import Binding

from engine.settings import PARAMETERS


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    `action` is Textual's action string on the app; `everywhere` keys act wherever the focus is, an editor included.
    """

    id: str
    key: str
    action: str
    label: str
    help: str
    everywhere: bool = True
    in_footer: bool = True

    @property
    def shown_key(self) -> str:
        """The key as the footer shows it: `^J`, `F2`, `esc`."""
        if self.key.startswith("ctrl+"):
            return "^" + self.key.removeprefix("ctrl+").upper()
        return {"escape": "esc", "question_mark": "?", "y": "y"}.get(self.key, self.key.upper())

    def binding(self) -> Binding:
        """Textual's binding for it; the id makes the key remappable."""
        return Binding(self.key, self.action, self.label, id=self.id, priority=self.everywhere, show=False)


# Which settings move by a key from anywhere: name, key down, key up.
KNOBS = (
    ("temperature", "f2", "f3"),
    ("top_k", "f4", "f5"),
    ("top_p", "f6", "f7"),
    ("repetition_penalty", "f8", "f9"),
)

RUN = (
    Action("run", "ctrl+j", "run", "run", "Write on from the prompt; the output begins anew."),
    Action("stop", "escape", "stop", "stop", "End the run after the current token.", everywhere=False),
    Action("pause", "ctrl+p", "pause", "pause", "Hold the run before its next token, or let it go on."),
    Action("step", "ctrl+n", "step", "step", "Let one token come, then hold."),
    Action("continue", "ctrl+o", "continue", "go on", "Write on from where the shown sequence stopped."),
)
KNOB_ACTIONS = tuple(
    Action(
        f"{name}.{direction}",
        key,
        f"nudge('{name}', {by})",
        f"{PARAMETERS[name].title} {direction}",
        f"{PARAMETERS[name].title} a step {direction}; the next token obeys.",
    )
    for name, down, up in KNOBS
    for direction, key, by in (("down", down, -1), ("up", up, 1))
)
SESSION = (
    Action("settings", "ctrl+t", "settings", "settings", "To the settings and back to the prompt."),
    Action("choose", "ctrl+e", "choose", "choose", "CTRL: a control code for the prompt. XLM: the language."),
    Action("sequence", "ctrl+l", "next_sequence", "sequence", "Show the next of several sequences."),
    Action(
        "copy",
        "y",
        "copy_output",
        "copy",
        "In the output: copy all of it, without the line breaks of the screen (^C copies a selection).",
        everywhere=False,
        in_footer=False,
    ),
    Action("palette", "ctrl+g", "command_palette", "palette", "Everything that can be done, to search."),
    Action("help", "question_mark", "help", "help", "The keys, and what the panes are for.", everywhere=False),
    Action("quit", "ctrl+q", "quit", "quit", "Leave; the transcript's place is told."),
)
ACTIONS = RUN + KNOB_ACTIONS + SESSION


def footer_entries(hidden: Collection[str] = ()) -> list[tuple[str, str]]:
    """(keys, label) for the footer without the actions of these ids, the two keys of a knob as one entry."""
    knobs = [(f"{down.upper()}/{up.upper()}", PARAMETERS[name].title) for name, down, up in KNOBS]
    singles = [
        (action.shown_key, action.label) for action in (*RUN, *SESSION) if action.in_footer and action.id not in hidden
    ]
    return singles[: len(RUN)] + knobs + singles[len(RUN) :]


def key_hints() -> dict[str, str]:
    """Setting -> the keys that move it, for the settings panel."""
    return {name: f"{down.upper()} {up.upper()}" for name, down, up in KNOBS}
