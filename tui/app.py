"""The full-screen session: routes between the worker, the session and the screen, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textual.app import SystemCommand
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import TextArea
from textual.worker import get_current_worker

from engine.events import Progress, Token
from engine.session.transcript import Transcript
from engine.settings import Settings
from engine.text_counts import counted
from tui.commands.find import FindCommands
from tui.commands.keeping import KeepingCommands
from tui.commands.prompt import PromptCommands
from tui.commands.run import RunCommands
from tui.commands.settings import SettingCommands
from tui.commands.view import ViewCommands
from tui.theme import DARK
from tui.widgets.output.wrapping import Kind
from tui.widgets.settings_panel import SettingsPanel
from tui.worker import LoadFailed, LoadJob, ModelFacts, Output, RecordTrouble, RunEvent, Stats, Worker

FRAME_S = 1 / 30
COUNT_AFTER_S = 0.15


class TextgenApp(RunCommands, SettingCommands, ViewCommands, PromptCommands, KeepingCommands, FindCommands):
    """One session with one model at a time."""

    TITLE = "textgen-tui"
    CSS_PATH = "screens/main.tcss"  # here, since an app does not read its default screen's
    COMMAND_PALETTE_BINDING = "ctrl+g"

    def __init__(self, settings: Settings, load: LoadJob, transcript: Transcript, *, prompt: str = "") -> None:
        super().__init__(settings, Worker(transcript), prompt=prompt)
        self._load_job = load
        self._of_the_panes = {action.action.partition("(")[0] for action in self.actions}
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
        self._count()

    def _begin(self) -> None:
        self.worker.start()
        self.worker.put(self._load_job)
        self._draining = self.set_interval(FRAME_S, self._drain)

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
                self.note("warning", "record", f"{error}. The session goes on, unrecorded.")
            case _:
                pass  # an event of a run that is no longer shown

    def _model_is_missing(self, failure: LoadFailed) -> None:
        self.session.facts = None
        self.note("error", "load", failure.error)
        if failure.name is not None:
            self.note("info", "embedded", "The embedded model is loaded in its place.")
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
        facts, text, prefix = self.session.facts, self.prompt.text, self.session.settings.prefix

        def count() -> None:
            tokens = facts.count_tokens(prefix + text) if facts else None
            told = tokens, facts.positions if facts else None, counted(text)
            if not get_current_worker().is_cancelled:  # else a newer text is being counted
                self.call_from_thread(self.prompt.show_count, *told)

        # A text that cannot be encoded is no reason to leave: it has no count, and a run from it says why.
        self.run_worker(count, thread=True, exclusive=True, exit_on_error=False, group="count")

    def on_settings_panel_edited(self, event: SettingsPanel.Edited) -> None:
        """Take a value that the panel has checked."""
        self.change_settings(lambda: self.session.change(event.name, event.value))
        if event.name == "prefix":
            self._count()

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Under a screen that lies over the panes the keys rest; some have a use with some families alone."""
        if self.screen is not self.main and action != "quit" and action in self._of_the_panes:
            return False
        return bool(self.session.facts and self.session.facts.choices) if action == "choose" else True

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """The palette: every action."""
        for action in self.actions:
            key = f" ({action.shown_key})" if action.keys else ""
            yield SystemCommand(f"{action.label}{key}", action.help, self._in_palette(action.action))

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
