"""What can be done, once: keys, footer, palette, help and the README's table are projections of this list.

The keys are those that common terminals pass on: no F1, F10, F11 or F12, no ctrl+i, ctrl+m, ctrl+h, no ctrl+b (tmux).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.presets import BUILT_IN
from engine.settings import PARAMETERS
from tui.action import Action, shown
from tui.comparing_actions import COMPARING, SEQUENCES
from tui.model_actions import OF_MODELS
from tui.transcript_actions import TRANSCRIPTS
from tui.tuning_actions import TUNING


def _spans(keys: Sequence[str]) -> tuple[str, ...]:
    """Keys of which those that count on are one: `1` to `9` are `1-9`, `alt+1` to `alt+9` are `alt+1-9`."""
    found: list[list[str]] = []
    for key in sorted(keys, key=lambda key: (key[:-1], key[-1:])):
        before = found[-1][-1] if found else ""
        follows = before[:-1] == key[:-1] and key[-1:].isdigit() and before[-1:].isdigit()
        if follows and int(key[-1]) == int(before[-1]) + 1:
            found[-1].append(key)
        else:
            found.append([key])
    return tuple(run[0] if len(run) == 1 else f"{run[0]}-{run[-1][-1]}" for run in found)


# Which settings have keys from the start: name, key down, key up.
KNOBS = {"temperature": ("f2", "f3"), "top_p": ("f6", "f7"), "top_k": ("f8", "f9")}

_RUN = (
    Action("run", ("ctrl+j", "f5"), "run", "run", "Write on from the prompt; the output begins anew.", weight=0),
    Action("stop", ("escape",), "stop", "stop", "End the run after the current token.", everywhere=False, weight=0),
    Action("pause", ("ctrl+p",), "pause", "pause", "Hold the run before its next token, or let it go on.", weight=0),
    Action("step", ("ctrl+n",), "step", "step", "Let one token come, then hold."),
    Action("continue", ("ctrl+o",), "continue", "go on", "Write on from where the shown sequence stopped.", weight=0),
)
_TEXT = (
    Action("regenerate", ("ctrl+r",), "regenerate(True)", "anew", "Take the last run back, write it with a new seed."),
    Action(
        "again",
        ("r",),
        "regenerate(False)",
        "again",
        "The same with its own seed, under the settings of now.",
        in_footer=False,
    ),
    Action(
        "edit",
        ("alt+e", "e"),
        "edit",
        "edit",
        "Edit the output after the prompt, and take the edit over; what you write is underlined.",
    ),
    Action("undo", ("alt+z", "u"), "undo", "undo", "Take back the last run or edit, also one that is under way."),
    Action("redo", ("alt+y", "U"), "redo", "redo", "Bring back what was undone.", in_footer=False),
)
_ROADS = (
    Action(
        "token_before",
        ("left",),
        "walk(-1)",
        "token before",
        "In the output: the token cursor a token back; the lens shows what was weighed there.",
        everywhere=False,
        in_footer=False,
    ),
    Action(
        "token_after",
        ("right",),
        "walk(1)",
        "token after",
        "In the output: the token cursor a token on, and at last let go of.",
        everywhere=False,
        in_footer=False,
    ),
    Action("lens", ("alt+l", "l"), "lens", "lens", "To the lens and back: what was about to be said, and take it."),
    Action(
        "colour",
        ("alt+v", "v"),
        "colour",
        "colour",
        "Colour the text by probability, surprisal, entropy, rank, the settings that were in force, or not at all.",
        weight=2,
    ),
    Action(
        "branches",
        ("alt+w", "b"),
        "branches",
        "branches",
        "The branches as a tree: go to one, name it, compare two, prune; every text that was is on one of them.",
        weight=2,
    ),
    Action(
        "type_another",
        ("t",),
        "type_another",
        "type another",
        "In the output: type any text in the place of the token under the cursor; what followed stays a branch.",
        everywhere=False,
        in_footer=False,
    ),
    Action(
        "rewind",
        ("backspace",),
        "rewind",
        "rewind",
        "In the output: the text back to before the token under the cursor, or before its last one.",
        everywhere=False,
        in_footer=False,
    ),
)
_STRATEGY = Action(
    "strategy",
    ("f4",),
    "next_strategy",
    "strategy",
    "Decode by the next strategy that the other settings, and a run under way, let it be.",
)
_ADAPTERS = Action(
    "adapters",
    (),
    "adapters",
    "adapters",
    "The adapters off, and on again as they were: the next token is the bare model's, or theirs.",
    in_footer=False,
)
_TURNING = tuple(
    Action(
        f"{parameter.name}.{direction}",
        (KNOBS[parameter.name][place],) if parameter.name in KNOBS else (),
        f"nudge('{parameter.name}', {by})",
        f"{parameter.title} {direction}",
        f"{parameter.title} a step {direction}; the next {'token' if parameter.live else 'run'} obeys.",
        weight=1 if parameter.name == "temperature" else 2,
    )
    for parameter in PARAMETERS.values()
    if parameter.kind in ("int", "float", "choice")
    for place, direction, by in ((0, "down", -1), (1, "up", 1))
)
_PRESETS = (
    *(
        Action(
            f"preset_{digit}",
            (str(digit), f"alt+{digit}"),
            f"preset({digit})",
            f"preset {digit}",
            f"Preset {digit}, unless you keep another there: {preset.name}, {preset.help}.",
            in_footer=False,
            together="Decode by a preset: the digit where nobody types, with alt anywhere.",
        )
        for digit, preset in BUILT_IN.items()
    ),
    Action("neutralize", (), "neutralize", "neutralize", "The model's own distribution: nothing cut, nothing bent."),
    Action("keep_preset", (), "keep_preset", "keep preset", "Keep the decoding settings as a preset of your own."),
    Action("import_preset", (), "import_preset", "import preset", "A preset from a generation_config.json."),
    Action("export_preset", (), "export_preset", "export preset", "The decoding settings as a generation_config.json."),
)
_LOOKS = (
    Action("theme", (), "next_theme", "theme", "The next of the themes: dark, light, high contrast."),
    Action("pace", ("alt+r",), "pace", "pace", "Let the text come at reading pace, or as fast as it is written."),
)
_PROMPT = (
    Action("prompts", ("alt+p",), "prompts", "prompts", "Earlier prompts, the newest first, to search.", weight=2),
    Action(
        "older",
        ("alt+up",),
        "recall(-1)",
        "older prompt",
        "In the prompt: the prompt before this one; ^Z brings back what stood there.",
        everywhere=False,
        in_footer=False,
    ),
    Action(
        "newer",
        ("alt+down",),
        "recall(1)",
        "newer prompt",
        "In the prompt: the prompt after this one, at last what was being typed.",
        everywhere=False,
        in_footer=False,
    ),
    Action(
        "next_turn",
        ("alt+minus", "a"),
        "next_turn",
        "next turn",
        "In a chat: the answer into the prompt, and room under it for what you say next.",
        in_footer=False,
    ),
    Action("chat", (), "chat", "chat", "The prompt as a conversation, by the model's chat template, or as it stands."),
    Action(
        "open", ("alt+o",), "open", "open", "A text file into the prompt, at the cursor as a paste.", in_footer=False
    ),
    Action("find", ("ctrl+f",), "find", "find", "Find in the prompt or the output; again for the other of the two."),
    Action(
        "save", ("ctrl+s",), "save", "save", "Save what is shown as Markdown: all sequences, and how they came about."
    ),
)
_TOKENS = (
    Action(
        "inspector",
        ("alt+t",),
        "inspector",
        "tokens",
        "The inspector: a text's tokens, its score, what could come next; the vocabulary, to search.",
        weight=2,
    ),
    Action(
        "recipes",
        ("alt+c",),
        "recipes",
        "recipes",
        "Prompts to start from, with blanks to fill.",
        weight=2,
    ),
    Action(
        "next_blank",
        ("alt+j",),
        "next_blank",
        "next blank",
        "In the prompt: to the next ‹blank› of a recipe; what you type takes its place.",
        in_footer=False,
    ),
    Action(
        "inside",
        ("alt+i",),
        "inside",
        "inside",
        "How it works inside: prefill and decoding, the KV cache, the library's own loop beside this one.",
        in_footer=False,
    ),
)
_SESSION = (
    Action("settings", ("ctrl+t",), "settings", "settings", "To the settings and back to the prompt.", weight=0),
    Action(
        "choose", ("ctrl+e",), "choose", "choose", "CTRL: a control code for the prompt. XLM: the language.", weight=0
    ),
    Action(
        "copy",
        ("y",),
        "copy_output",
        "copy",
        "In the output: copy all of it, without the line breaks of the screen (^C copies a selection).",
        in_footer=False,
    ),
    Action(
        "copy_written",
        ("Y",),
        "copy_output(False)",
        "copy what was written",
        "In the output: copy what came after the prompt alone.",
        in_footer=False,
    ),
    Action("notes", ("alt+n",), "notes", "notes", "To the notes and back to the prompt.", weight=2),
    *OF_MODELS,
    *TRANSCRIPTS,
    Action("palette", ("ctrl+g",), "command_palette", "palette", "Everything that can be done, to search.", weight=0),
    Action(
        "help",
        ("alt+h", "question_mark"),
        "help",
        "help",
        "What this pane is for, its keys; all about a setting.",
        weight=0,
    ),
    Action(
        "suspend",
        ("ctrl+z",),
        "suspend",
        "suspend",
        "Where nobody types: back to the shell for a while; fg brings the session back.",
        everywhere=False,
        in_footer=False,
    ),
    Action("quit", ("ctrl+q",), "quit", "quit", "Leave; the transcript's place is told.", weight=0),
)


class Entry(NamedTuple):
    """A line of the footer, of the help, of the README: all its keys, those that the footer shows, and what it is."""

    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    in_footer: bool
    weight: int = 1


class Actions:
    """All that can be done, with the keys that are in force."""

    def __init__(
        self,
        actions: Sequence[Action] = (
            *_RUN,
            *_TEXT,
            *_ROADS,
            _STRATEGY,
            _ADAPTERS,
            *_TURNING,
            *_PRESETS,
            *_LOOKS,
            *_PROMPT,
            *_TOKENS,
            *COMPARING,
            *SEQUENCES,
            *TUNING,
            *_SESSION,
        ),
    ) -> None:
        self._actions = {action.id: action for action in actions}

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions.values())

    def __getitem__(self, id: str) -> Action:
        return self._actions[id]

    def key(self, id: str) -> str:
        """How an action is reached, for a sentence about it: its first key, or the palette where it has none."""
        return self._actions[id].shown_key or "the palette"

    def with_keys(self, keys: Mapping[str, Sequence[str]]) -> Actions:
        """The same with other keys for the actions of these ids; `KeyError` for an id that is none."""
        changed = {id: replace(self._actions[id], keys=tuple(new)) for id, new in keys.items()}
        return Actions([changed.get(action.id, action) for action in self])

    def entries(self, hidden: Collection[str] = ()) -> list[Entry]:
        """What has a key and is not hidden, in order; the two keys of a setting are one entry."""
        told: list[Entry] = []
        for action in self:
            name, _, direction = action.id.partition(".")
            if not action.keys or action.id in hidden:
                continue
            if action.together:
                keys = _spans([key for other in self if other.together == action.together for key in other.keys])
                label = action.label.rstrip(" 0123456789")
                entry = Entry(keys, shown(keys[0]), label, action.together, action.in_footer, action.weight)
                if entry not in told[-1:]:
                    told.append(entry)
            elif direction and self._actions[f"{name}.down"].keys and self._actions[f"{name}.up"].keys:
                if direction == "down":
                    both = (action.keys[0], self._actions[f"{name}.up"].keys[0])
                    what = action.help.replace("a step down", "a step down, a step up")
                    told.append(
                        Entry(both, "/".join(map(shown, both)), PARAMETERS[name].title, what, True, action.weight)
                    )
            else:
                told.append(
                    Entry(action.keys, action.shown_key, action.label, action.help, action.in_footer, action.weight)
                )
        return told

    def key_hints(self) -> dict[str, str]:
        """Setting -> the keys that move it, for the settings panel."""
        hints = {
            name: " ".join(filter(None, (self._actions[f"{name}.{way}"].shown_key for way in ("down", "up"))))
            for name in PARAMETERS
            if f"{name}.up" in self._actions
        }
        return {name: hint for name, hint in hints.items() if hint}


ACTIONS = Actions()
