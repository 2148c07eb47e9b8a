"""What a fine-tuning is to be: a line for each thing that can be said, with what is chosen where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.errors import FileError, SettingError
from engine.finetune.defaults import BATCH, BLOCK, EPOCHS, RANK, SEED, learning_rate
from engine.finetune.job import OPTIONS
from engine.models.resolve import EMBEDDED
from engine.path_completion import completions
from engine.safe_text import safe_text
from engine.text_files import path_of, shown_path
from tui.widgets.settings_panel.safe_input import SafeInput

_HELP = {
    "text": "The text file to learn from, in UTF-8. tab completes the path; ~ is home.",
    "model": "The model to train: a folder, a .gguf file, a repository of the hub, or embedded. It stays as it is.",
    "method": "space changes it. full: all weights learn. LoRA: a small adapter beside the model does, in a "
    "fraction of the memory; it can be scaled and mixed later.",
    "out": "The folder of the result, which must not be there; auto is a new one among your own models.",
    "prompt": "An opening that the model goes on from, every so often; auto takes some from the held-out text.",
}
_LABELS = {"text": "text file", "out": "result", "prompt": "opening"}
_NAMES = ("text", "model", "method", *OPTIONS, "prompt", "out")
_LISTED = 6


class Method(Static, can_focus=True):
    """Full or LoRA."""

    DEFAULT_CSS = "Method { width: 1fr; height: 1; background: $foreground 12%; &:focus { text-style: reverse; } }"

    class Changed(Message):
        """The other one was taken."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.lora = False

    def on_mount(self) -> None:
        """Show it."""
        self._show()

    def on_key(self, event: events.Key) -> None:
        """Take the other one."""
        if event.key in ("space", "left", "right"):
            event.stop()
            self.turn()

    def on_click(self) -> None:
        """A click does too."""
        self.turn()

    def turn(self) -> None:
        """The other one."""
        self.lora = not self.lora
        self._show()
        self.post_message(self.Changed())

    def _show(self) -> None:
        self.update("LoRA: a small adapter learns" if self.lora else "full: all weights learn")


class TuningForm(VerticalScroll):
    """A field a line. It says what the one with the focus is about, and gives all as words of the command."""

    DEFAULT_CSS = """
    TuningForm { height: 1fr; scrollbar-size-vertical: 1; }
    TuningForm Horizontal { height: 1; }
    TuningForm Horizontal > Static { height: 1; }
    TuningForm .tuning-label { width: 15; color: $text-muted; }
    TuningForm Input { border: none; width: 1fr; height: 1; padding: 0; background: $foreground 12%; }
    """

    @dataclass
    class Said(Message):
        """What there is to say about the field with the focus."""

        text: str

    def __init__(self, model: str, parameters: int, positions: int | None, prompt: str) -> None:
        """`parameters` and `positions` are those of the loaded model, for what auto comes to with it; 0 without one."""
        super().__init__(can_focus=False)
        self._model, self._parameters, self._positions = model or EMBEDDED, parameters, positions
        self.method = Method()
        values = {"model": self._model, "prompt": prompt}
        self.fields = {
            name: SafeInput(values.get(name, ""), compact=True, select_on_focus=False, id=f"tuning-{name}")
            for name in _NAMES
            if name != "method"
        }

    def compose(self) -> ComposeResult:
        """A label and a field each."""
        for name in _NAMES:
            label = _LABELS.get(name) or (OPTIONS[name].title if name in OPTIONS else name)
            with Horizontal():
                yield Static(label, markup=False, classes="tuning-label")
                yield self.method if name == "method" else self.fields[name]

    def on_mount(self) -> None:
        """Begin with the text."""
        self.fields["text"].placeholder = "a path"
        self._show_defaults()
        self.fields["text"].focus()

    def on_method_changed(self) -> None:
        """A LoRA takes another rate."""
        self._show_defaults()

    def _show_defaults(self) -> None:
        known = self._parameters if self.fields["model"].meant.strip() == self._model else 0
        rate = f" ({learning_rate(known, self.method.lora):g})" if known else ""
        longest = min(self._positions or BLOCK, BLOCK) if known else BLOCK
        told = {
            "epochs": f"auto ({EPOCHS:g}, or what a CPU does in an hour)",
            "steps": "auto (from the epochs)",
            "learning_rate": f"auto{rate}",
            "block_size": f"auto ({longest}, less for a short text)",
            "batch_size": f"auto ({BATCH}, less for a short text)",
            "at_once": "auto (as memory allows)",
            "rank": f"auto ({RANK})" if self.method.lora else "for a LoRA",
            "seed": f"auto ({SEED})",
            "out": "auto (a new folder among your models)",
            "prompt": "auto (from the held-out text)",
        }
        for name, text in told.items():
            self.fields[name].placeholder = text

    # Moving, completing

    def move(self, by: int) -> None:
        """To another field."""
        places: list[Widget] = [self.method if name == "method" else self.fields[name] for name in _NAMES]
        focused = self.screen.focused
        place = places.index(focused) + by if focused in places else 0
        places[place % len(places)].focus()

    def complete(self) -> bool:
        """Complete the path that is being typed, as far as it is certain; False where none is."""
        name = self._focused
        if name not in ("text", "model", "out"):
            return False
        field = self.fields[name]
        try:
            found = completions(field.meant)
        except FileError:
            return False
        common = safe_text(_shared([entry.text for entry in found]))
        if len(common) <= len(field.value):
            return False
        field.value = common
        field.cursor_position = len(common)
        return True

    def on_descendant_focus(self) -> None:
        """Say what the field is about."""
        self._say()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what a path may become; another model takes another rate."""
        event.stop()
        if event.input is self.fields["model"]:
            self._show_defaults()
        self._say()

    @property
    def _focused(self) -> str:
        focused = self.screen.focused
        if focused is self.method:
            return "method"
        return next((name for name, field in self.fields.items() if field is focused), "")

    def _say(self) -> None:
        name = self._focused
        text = OPTIONS[name].help if name in OPTIONS else _HELP.get(name, "")
        if name == "text" and self.fields["text"].value:
            text = self._paths() or text
        self.post_message(self.Said(text))

    def _paths(self) -> str:
        try:
            found = completions(self.fields["text"].meant)
        except FileError as error:
            return str(error)
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        return f"tab completes: {'  '.join(entry.name for entry in found[:_LISTED])}{more}" if found else ""

    # What was said

    def words(self) -> list[str]:
        """The command's words. Raises `SettingError` for a value that is none, `FileError` without a text."""
        text = self.fields["text"].meant.strip()
        if not text:
            raise FileError("a text file is missing: what is to be learned from")
        if not path_of(text).is_file():
            raise FileError(f"{shown_path(path_of(text))}: there is no such file")
        words = ["--text", text]
        for name, flag in (("model", "--model_name_or_path"), ("out", "--out"), ("prompt", "--prompt")):
            value = self.fields[name].meant.strip() if name != "prompt" else self.fields[name].meant
            if value and value != "auto":
                words += [f"{flag}={value}"]
        for name, option in OPTIONS.items():
            typed = self.fields[name].meant.strip()
            if typed and option.parse(typed) is not None and (name != "rank" or self.method.lora):
                words += [f"--{name}={typed}"]
        if any(word.startswith("--steps=") for word in words) and any(word.startswith("--epochs=") for word in words):
            raise SettingError("steps and epochs: give one of the two")
        return [*words, "--lora"] if self.method.lora else words


def _shared(texts: Sequence[str]) -> str:
    """What all of them begin with."""
    pairs = zip(min(texts, default=""), max(texts, default=""), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def said(text: str) -> Content:
    """Words that may hold anything, fit to show."""
    return Content(safe_text(text))
