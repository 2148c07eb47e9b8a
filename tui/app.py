"""The full-screen session: routes between the keys, the session, the worker and the screen, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import TextArea
from textual.worker import get_current_worker

from engine.errors import SettingError
from engine.events import Level, Note, Progress, Token
from engine.session.transcript import Transcript
from engine.settings import Settings
from tui.actions import ACTIONS
from tui.screens.main import MainScreen
from tui.session import Session
from tui.theme import DARK
from tui.widgets.notes import NotesPane
from tui.widgets.output import OutputView
from tui.widgets.output.wrapping import Kind
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.status import StatusLine
from tui.worker import LoadFailed, LoadJob, ModelFacts, Output, RecordTrouble, RunEvent, RunJob, Stats, Worker

FRAME_S = 1 / 30
COUNT_AFTER_S = 0.15


class TextgenApp(App[None]):
    """One session with one model at a time."""

    TITLE = "textgen-tui"
    CSS_PATH = "screens/main.tcss"  # here, since an app does not read its default screen's
    COMMAND_PALETTE_BINDING = "ctrl+g"
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]

    def __init__(self, settings: Settings, load: LoadJob, transcript: Transcript, *, prompt: str = "") -> None:
        super().__init__()
        self.session = Session(settings)
        self.worker = Worker(transcript)
        self.main = MainScreen(self.session, prompt)
        self._load_job = load
        self._draining: Timer | None = None
        self._counting: Timer | None = None

    def get_default_screen(self) -> Screen[None]:
        """The panes."""
        return self.main

    def on_mount(self) -> None:
        """Show the panes, then start the worker: torch is imported behind a screen that is there already."""
        self.register_theme(DARK)
        self.theme = DARK.name
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.worker.start()
        self.worker.put(self._load_job)
        self._draining = self.set_interval(FRAME_S, self._drain)

    @property
    def prompt(self) -> PromptPane:
        """The prompt's editor."""
        return self.main.prompt

    @property
    def output(self) -> OutputView:
        """The output."""
        return self.main.output

    @property
    def notes(self) -> NotesPane:
        """The notes."""
        return self.main.notes

    @property
    def settings_panel(self) -> SettingsPanel:
        """The settings."""
        return self.main.settings_panel

    @property
    def status(self) -> StatusLine:
        """The line that tells how it is going."""
        return self.main.status

    # From the worker

    def _drain(self) -> None:
        """Take over what the worker has put out since the last frame; text is drawn once a frame."""
        outbox = self.worker.outbox
        if not outbox:
            return
        text: list[tuple[int, str, Kind]] = []
        while outbox:
            item = outbox.popleft()
            if isinstance(item, RunEvent) and isinstance(item.event, Token):
                if item.run == self.session.run:
                    token = item.event
                    self.session.hear(token)
                    text.append(
                        (self.session.place(token.sequence), token.text, "special" if token.special else "model")
                    )
                continue
            if text:
                self.main.show_text(text)
                text = []
            self._take(item)
        if text:
            self.main.show_text(text)
        if self.session.running:
            self.status.update(used=self.session.used)

    def _take(self, item: Output) -> None:
        match item:
            case Progress():
                share = f" {100 * item.done // item.total}%" if item.total else ""
                self.status.update(stage="loading", detail=f"{item.stage}{share}")
            case ModelFacts():
                self.session.facts = item
                self.prompt.completions = item.choices.names if item.choices and not item.choices.setting else ()
                self.main.show_model(item)
                self._count()
            case LoadFailed():
                self._model_is_missing(item)
            case RunEvent(run, event) if run == self.session.run:
                self.session.hear(event)
                self.main.show_event(event)
            case Stats(run) if run == self.session.run:
                self.status.update(
                    first_token_s=item.first_token_s,
                    tokens_per_s=item.tokens_per_s,
                    memory_bytes=item.memory_bytes,
                    cache=item.cache,
                )
                self.main.show_counts()
            case RecordTrouble(error):
                self._note("warning", "record", f"{error}. The session goes on, unrecorded.")
            case _:
                pass  # an event of a run that is no longer shown

    def _model_is_missing(self, failure: LoadFailed) -> None:
        self.session.facts = None
        self._note("error", "load", failure.error)
        if failure.name is not None:
            self._note("info", "embedded", "The embedded model is loaded in its place.")
            self.worker.put(LoadJob(None))
            return
        self.session.controls = None
        self.main.show_end("")
        self.status.update(stage="no model", detail="")

    # From the panes

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Count the prompt's tokens, once the typing rests."""
        if self._counting is not None:
            self._counting.stop()
        self._counting = self.set_timer(COUNT_AFTER_S, self._count)

    def _count(self) -> None:
        facts = self.session.facts
        if facts is None:
            return
        text = self.session.settings.prefix + self.prompt.text

        def count() -> None:
            tokens = facts.count_tokens(text)
            if not get_current_worker().is_cancelled:  # else a newer text is being counted
                self.call_from_thread(self.prompt.show_count, tokens, facts.positions)

        # A text that cannot be encoded is no reason to leave: it has no count, and a run from it says why.
        self.run_worker(count, thread=True, exclusive=True, exit_on_error=False, group="count")

    def on_settings_panel_edited(self, event: SettingsPanel.Edited) -> None:
        """Take a value that the panel has checked."""
        self._change(lambda: self.session.change(event.name, event.value))
        if event.name == "prefix":
            self._count()

    def _change(self, change: Callable[[], object]) -> None:
        try:
            change()
        except SettingError as error:
            self._note("error", "setting", str(error))
        self.settings_panel.show(self.session.settings)
        self.worker.wake()

    def _note(self, level: Level, code: str, text: str) -> None:
        self.notes.add(Note(level, code, text))

    def _hint(self, text: str) -> None:
        self.status.hint(text)

    def _after_typing(self, act: Callable[[], None]) -> None:
        """Keys that act everywhere go before the others: what was typed ahead of them may still wait in the prompt."""
        self.prompt.call_later(act)

    # Actions

    def action_run(self) -> None:
        """Write from the prompt. A run under way is not interrupted."""
        self._after_typing(self._run)

    def _run(self) -> None:
        if self.session.running:
            self._hint("A run is under way: esc ends it.")
            return
        choices = self.session.facts.choices if self.session.facts else None
        if choices and choices.setting and not getattr(self.session.settings, choices.setting):
            self.action_choose(then_run=True)  # the model has to be told before it can begin
            return
        self.notes.clear()
        self._start(self.session.begin(self.prompt.text))

    def action_continue(self) -> None:
        """Let a held run go on, or go on from where the shown sequence stopped."""
        self._after_typing(self._go_on)

    def _go_on(self) -> None:
        if self.session.controls is not None:
            if self.session.controls.paused:
                self._pause()
        elif self.session.can_go_on(self.output.sequence):
            moved = self.session.moved_since()
            place = self.output.sequence
            self._start(self.session.go_on(place))
            self.output.trim(place, len(self.session.sequences[place].text))
            for name, (old, new) in moved.items():
                self.main.mark(name, old, new)
        else:
            self._hint("There is nothing to go on from yet: ^J runs the prompt.")

    def _start(self, job: RunJob) -> None:
        self.main.show_start()
        self.worker.put(job)

    def action_stop(self) -> None:
        """End the run before its next token."""
        if self.session.controls is not None:
            self.session.controls.stop()
            self.status.update(stage="stopping")
            self.worker.wake()

    def action_pause(self) -> None:
        """Hold the run, or let it go on."""
        self._after_typing(self._pause)

    def _pause(self) -> None:
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
        self._after_typing(self._step)

    def _step(self) -> None:
        if not self.session.running:
            if self.session.can_go_on(self.output.sequence):
                self._go_on()
            else:
                self._run()
        if self.session.controls is not None:
            self.session.controls.step()
            self.worker.wake()

    def action_nudge(self, name: str, by: int) -> None:
        """Move a setting a step from wherever the focus is."""
        self._change(lambda: self.session.nudge(name, by))

    def action_settings(self) -> None:
        """To the settings and back."""
        self.main.turn_to_settings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is something to choose with some families alone; elsewhere the key is the editor's."""
        return bool(self.session.facts and self.session.facts.choices) if action == "choose" else True

    def action_choose(self, then_run: bool = False) -> None:
        """Choose among the names that the model's family knows."""
        choices = self.session.facts.choices if self.session.facts else None
        if choices is None:
            return
        from tui.screens.chooser import Chooser

        def take(name: str | None) -> None:
            if name is None:
                return
            if choices.setting:
                self._change(lambda: self.session.change(choices.setting or "", name))
            else:
                self.prompt.begin_with(name, choices.names)
            if then_run:
                self._run()

        self.push_screen(Chooser(choices.title, choices.names), take)

    def action_next_sequence(self) -> None:
        """Show the next sequence."""
        self.output.show_sequence((self.output.sequence + 1) % self.output.sequences)
        self.main.show_counts()

    def action_copy_output(self) -> None:
        """Copy the shown sequence, prompt and all, by the terminal's clipboard."""
        text = self.output.text().encode(errors="replace").decode()
        self.copy_to_clipboard(text)
        self._hint("Copied, where the terminal allows it." if text else "There is nothing to copy yet.")

    def action_help_quit(self) -> None:
        """What ctrl+c says where nothing is selected."""
        self._hint("esc ends a run, ^Q leaves.")

    def action_help(self) -> None:
        """Show the keys and the panes."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """The palette: every action."""
        for action in ACTIONS:
            yield SystemCommand(f"{action.label} ({action.shown_key})", action.help, self._in_palette(action.action))

    def _in_palette(self, action: str) -> Callable[[], None]:
        async def run() -> None:
            await self.run_action(action)

        return lambda: self.call_next(run)

    async def action_quit(self) -> None:
        """Leave; the run under way ends first."""
        if self._draining is not None:
            self._draining.stop()
        self.worker.close()
        self.exit()
