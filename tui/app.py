"""The full-screen session: composes the panes and routes what happens between them, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import TextArea

from engine.errors import SettingError
from engine.events import (
    Changed,
    Event,
    Failed,
    Finished,
    Note,
    Noted,
    Paused,
    Prefilled,
    Prepared,
    Progress,
    Token,
)
from engine.safe_text import safe_text
from engine.session.transcript import Transcript
from engine.settings import PARAMETERS, Settings
from tui.actions import ACTIONS, key_hints
from tui.session import Session
from tui.theme import DARK
from tui.widgets.key_bar import KeyBar
from tui.widgets.notes import NotesPane
from tui.widgets.output import OutputView
from tui.widgets.output.wrapping import Kind
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.status import StatusLine, TitleLine
from tui.worker import LoadFailed, LoadJob, ModelFacts, Output, RecordTrouble, RunEvent, Stats, Worker

FRAME_S = 1 / 30
COUNT_AFTER_S = 0.15
NARROW, MEDIUM = 100, 116
TINY = (60, 16)
PRIMARY = (
    "strategy",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repetition_penalty",
    "no_repeat_ngram_size",
    "max_new_tokens",
    "stop_token",
    "num_return_sequences",
    "seed",
)
HINT = (
    "Type an opening above, press ^J, and the model writes on.\nF3 warms it up, F2 cools it down, even in mid-sentence."
)


class TextgenApp(App[None]):
    """One session with one model at a time."""

    TITLE = "textgen-tui"
    CSS_PATH = "app.tcss"
    COMMAND_PALETTE_BINDING = "ctrl+g"
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]

    def __init__(
        self,
        settings: Settings,
        load: LoadJob,
        transcript: Transcript,
        *,
        prompt: str = "",
    ) -> None:
        super().__init__()
        self.session = Session(settings)
        self.worker = Worker(transcript)
        self._load_job = load
        self._first_prompt = prompt
        self._draining: Timer | None = None
        self._counting: Timer | None = None

    # The screen

    def compose(self) -> ComposeResult:
        """The panes: the eye rests on the output."""
        yield TitleLine(id="title")
        with Horizontal(id="panes"):
            with Vertical(id="text"):
                yield PromptPane(self._first_prompt, id="prompt")
                yield OutputView(HINT, id="output")
                yield NotesPane(id="notes")
            yield SettingsPanel(self.session.settings, primary=PRIMARY, key_hints=key_hints(), id="settings")
        yield StatusLine(id="status")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Show the panes, then start the worker: torch is imported behind a screen that is there already."""
        self.register_theme(DARK)
        self.theme = DARK.name
        self.output.border_title = "Output"
        self.prompt.focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.worker.start()
        self.worker.put(self._load_job)
        self._draining = self.set_interval(FRAME_S, self._drain)

    def on_resize(self, event: Resize) -> None:
        """Fold the right-hand column where the screen is narrow, and all but prompt and output where it is tiny."""
        self.screen.set_class(event.size.width < NARROW, "-narrow")
        self.screen.set_class(NARROW <= event.size.width < MEDIUM, "-medium")
        self.screen.set_class(event.size.width < TINY[0] or event.size.height < TINY[1], "-tiny")

    @property
    def prompt(self) -> PromptPane:
        """The prompt's editor."""
        return self.screen_stack[0].query_one(PromptPane)

    @property
    def output(self) -> OutputView:
        """The output."""
        return self.screen_stack[0].query_one(OutputView)

    @property
    def notes(self) -> NotesPane:
        """The notes."""
        return self.screen_stack[0].query_one(NotesPane)

    @property
    def settings_panel(self) -> SettingsPanel:
        """The settings."""
        return self.screen_stack[0].query_one(SettingsPanel)

    @property
    def status(self) -> StatusLine:
        """The line that tells how it is going."""
        return self.screen_stack[0].query_one(StatusLine)

    # From the worker

    def _drain(self) -> None:
        """Take over what the worker has put out since the last frame; text is drawn once a frame."""
        outbox = self.worker.outbox
        if not outbox:
            return
        text: list[tuple[int, str, Kind]] = []
        while outbox:
            item = outbox.popleft()
            if isinstance(item, RunEvent) and isinstance(item.event, Token) and item.run == self.session.run:
                token = item.event
                self.session.hear(token)
                kind: Kind = "special" if token.special else "model"
                text.append((self.session.place(token.sequence), token.text, kind))
            else:
                self._show_text(text)
                self._take(item)
        self._show_text(text)
        if self.session.running:
            self.status.update(used=self.session.used, tokens_per_s=self.session.tokens_per_s())
            self._title_output()

    def _show_text(self, text: list[tuple[int, str, Kind]]) -> None:
        if text:
            self.output.extend(text)
            text.clear()
            if self.status.reading.stage == "prefill":
                self.status.update(stage="decoding")

    def _take(self, item: Output) -> None:
        match item:
            case Progress():
                share = f" {100 * item.done // item.total}%" if item.total else ""
                self.status.update(stage="loading", detail=f"{item.stage}{share}")
            case ModelFacts():
                self._model_is_there(item)
            case LoadFailed():
                self._model_is_missing(item)
            case RunEvent(run, event) if run == self.session.run:
                self.session.hear(event)
                self._take_event(event)
            case Stats(run) if run == self.session.run:
                self.status.update(first_token_s=item.first_token_s, memory_bytes=item.memory_bytes, cache=item.cache)
            case RecordTrouble(error):
                self._note("warning", "record", f"{error}. The session goes on, unrecorded.")
            case _:
                pass  # an event of a run that is no longer shown

    def _take_event(self, event: Event) -> None:
        match event:
            case Prepared(_, _, notes):
                for note in notes:
                    self.notes.add(note)
            case Noted(note):
                self.notes.add(note)
            case Prefilled():
                self.status.update(prompt_tokens=event.tokens, reused=event.reused, cache=event.cache)
            case Changed(at, name, old, new):
                parameter = PARAMETERS[name]
                if at:  # before the first token it is no change in the text
                    self._mark(f"{parameter.title} {parameter.format(old)} → {parameter.format(new)}")
            case Paused():
                self.status.update(stage="paused")
            case Finished(sequences):
                for number in range(len(sequences)):
                    place = self.session.place(number)
                    self.output.trim(place, self.session.kept_text(place))
                reasons = {sequence.finish_reason for sequence in sequences}
                self._run_ended(", ".join(_REASONS[reason] for reason in sorted(reasons)))
            case Failed(error):
                self._note("error", "failed", f"{error}. What was written stays.")
                self._run_ended("failed")

    def _mark(self, label: str) -> None:
        for number in range(len(self.session.sequences)):
            self.output.mark(label, number)

    def _run_ended(self, why: str) -> None:
        self.output.streaming = False
        self.settings_panel.running = False
        self.status.update(stage="ready", used=self.session.used, tokens_per_s=self.session.tokens_per_s())
        self._title_output(why)

    def _model_is_there(self, facts: ModelFacts) -> None:
        self.session.facts = facts
        self.screen_stack[0].query_one(TitleLine).facts = facts
        waiting = self.session.running
        self.status.update(stage="prefill" if waiting else "ready", detail="", positions=facts.positions)
        self._count()

    def _model_is_missing(self, failure: LoadFailed) -> None:
        self.session.facts = None
        self._note("error", "load", failure.error)
        if failure.name is None:
            self.session.controls = None
            self._run_ended("")
            self.status.update(stage="no model")
            return
        self._note("info", "embedded", "The embedded model is loaded in its place.")
        self.worker.put(LoadJob(None))

    # From the panes

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Count the prompt's tokens, once the typing rests."""
        if self._counting is not None:
            self._counting.stop()
        self._counting = self.set_timer(COUNT_AFTER_S, self._count)

    def _count(self) -> None:
        if self.session.facts is None:
            return
        count, text = self.session.facts.count_tokens, self.session.settings.prefix + self.prompt.text
        self.run_worker(lambda: self._counted(count, text), thread=True, exclusive=True, group="count")

    def _counted(self, count: Callable[[str], int], text: str) -> None:
        tokens = count(text)
        self.call_from_thread(self._show_count, tokens)

    def _show_count(self, tokens: int) -> None:
        if self.session.facts is not None:
            self.prompt.show_count(tokens, self.session.facts.positions)

    def on_settings_panel_edited(self, event: SettingsPanel.Edited) -> None:
        """Take a value that the panel has checked."""
        self._change(lambda: self.session.change(event.name, event.value))

    def _change(self, change: Callable[[], object]) -> None:
        try:
            change()
        except SettingError as error:
            self._note("error", "setting", str(error))
        self.settings_panel.show(self.session.settings)
        self.worker.wake()

    def _note(self, level: str, code: str, text: str) -> None:
        self.notes.add(Note(level, code, text))  # type: ignore[arg-type]

    # Actions

    def action_run(self) -> None:
        """Write from the prompt. A run under way is not interrupted."""
        if self.session.running:
            self._hint("A run is under way: esc ends it.")
            return
        prompt = self.prompt.text
        job = self.session.begin(prompt)
        self.notes.clear()
        self.output.start(prompt, len(self.session.sequences))
        self._run_started()
        self.worker.put(job)

    def action_continue(self) -> None:
        """Let a held run go on, or go on from where the shown sequence stopped."""
        if self.session.controls is not None:
            if self.session.controls.paused:
                self.action_pause()
            return
        if not self.session.can_go_on(self.output.sequence):
            self._hint("There is nothing to go on from yet: ^J runs the prompt.")
            return
        job = self.session.go_on(self.output.sequence)
        self._run_started()
        self.worker.put(job)

    def _run_started(self) -> None:
        self.output.streaming = True
        self.settings_panel.running = True
        loading = self.session.facts is None
        detail = self.status.reading.detail if loading else ""
        self.status.update(
            stage="loading" if loading else "prefill", detail=detail, first_token_s=None, tokens_per_s=0.0
        )
        self._title_output()

    def action_stop(self) -> None:
        """End the run before its next token."""
        if self.session.controls is not None:
            self.session.controls.stop()
            self.status.update(stage="stopping")
            self.worker.wake()

    def action_pause(self) -> None:
        """Hold the run, or let it go on."""
        controls = self.session.controls
        if controls is None:
            self._hint("Nothing is running: ^J runs the prompt.")
            return
        if controls.paused:
            controls.resume()
            self.status.update(stage="decoding")
        else:
            controls.pause()
        self.worker.wake()

    def action_step(self) -> None:
        """One token more, then hold; where nothing runs, a run begins held after its first token."""
        if self.session.controls is None:
            if self.session.can_go_on(self.output.sequence):
                self.action_continue()
            else:
                self.action_run()
        if self.session.controls is not None:
            self.session.controls.step()
            self.worker.wake()

    def action_nudge(self, name: str, by: int) -> None:
        """Move a setting a step from wherever the focus is."""
        self._change(lambda: self.session.nudge(name, by))

    def action_settings(self) -> None:
        """To the settings, or back to the prompt; where the screen is narrow they fold in and out."""
        inside = self.focused is not None and self.settings_panel in self.focused.ancestors_with_self
        self.screen.set_class(not inside, "-settings")
        (self.prompt if inside else self.settings_panel).focus()

    def action_next_sequence(self) -> None:
        """Show the next sequence."""
        self.output.show_sequence((self.output.sequence + 1) % max(self.output.sequences, 1))
        self._title_output()

    def action_copy_output(self) -> None:
        """Copy the shown sequence, prompt and all, by the terminal's clipboard."""
        self.copy_to_clipboard(self.output.text())
        self._hint("Copied, where the terminal allows it.")

    def action_help(self) -> None:
        """Show the keys and the panes."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """The palette: every action, and every setting's two directions are among them."""
        for action in ACTIONS:
            yield SystemCommand(f"{action.label} ({action.shown_key})", action.help, self._palette(action.action))

    def _palette(self, action: str) -> Callable[[], None]:
        async def run() -> None:
            await self.run_action(action)

        return lambda: self.call_next(run)

    def _hint(self, text: str) -> None:
        self.notify(safe_text(text), timeout=3, markup=False)

    def _title_output(self, why: str = "") -> None:
        new = self.session.new_tokens
        told = f"{new:,} new token{'' if new == 1 else 's'}" if new or why else ""
        self.output.border_subtitle = " · ".join(part for part in (told, why) if part)
        count = self.output.sequences
        shown = " ".join(f"[{n + 1}]" if n == self.output.sequence else f" {n + 1} " for n in range(count))
        self.output.border_title = "Output" if count == 1 else f"Output {shown}".replace("[", "\\[")

    async def action_quit(self) -> None:
        """Leave; the run under way ends first."""
        if self._draining is not None:
            self._draining.stop()
        self.worker.close()
        self.exit()


_REASONS = {
    "length": "length reached",
    "eos": "the model ended the text",
    "stop": "stop text",
    "time": "time is up",
    "cancelled": "stopped",
}
