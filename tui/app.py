"""The full-screen session: routes between the worker, the session and the screen, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from textual.app import SystemCommand
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, TextArea
from textual.worker import get_current_worker

from engine.errors import PromptError
from engine.events import Changed, Looked, Paused, Progress, Token
from engine.session.library import Library
from engine.session.places import Unrecorded
from engine.session.transcript import Transcript
from engine.settings import Settings
from engine.text_counts import counted
from engine.window import slides
from tui import alt_keys
from tui.actions import ACTIONS
from tui.asking import Asked, Asking
from tui.commands.branches import BranchCommands
from tui.commands.colours import ColourCommands
from tui.commands.comparing import ComparingCommands
from tui.commands.find import FindCommands
from tui.commands.keeping import KeepingCommands
from tui.commands.looks import LookCommands
from tui.commands.presets import PresetCommands
from tui.commands.prompt import PromptCommands
from tui.commands.replay import ReplayCommands
from tui.commands.roads import RoadCommands
from tui.commands.settings import SettingCommands
from tui.commands.tokens import TokenCommands
from tui.commands.tuning import TuningCommands
from tui.commands.view import ViewCommands
from tui.comparing import Compared
from tui.config import Config
from tui.config.keys import configured
from tui.insight import Insight
from tui.jobs import (
    EffectJob,
    EffectSeen,
    LoadFailed,
    LoadJob,
    LookSeen,
    ModelFacts,
    Output,
    RecordTrouble,
    RunEvent,
    Stats,
)
from tui.measures import Measured
from tui.pace import Pace
from tui.running import Addition
from tui.screens.transcripts import Choice
from tui.verifying import Verified, Verifying
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.settings_panel.help_line import effect_text
from tui.widgets.welcome import Welcome
from tui.worker import Worker

FRAME_S = 1 / 30
COUNT_AFTER_S = 0.15
LOOK_AFTER_S = 0.15
TOLD_COMPLAINTS = 6
COUNTED = frozenset({"prefix", "chat", "system_prompt", "strategy", "overflow", "context_window"})
"""Settings that say how many tokens a prompt has, or may have."""


class TextgenApp(
    ReplayCommands,
    RoadCommands,
    BranchCommands,
    ColourCommands,
    SettingCommands,
    PresetCommands,
    ViewCommands,
    LookCommands,
    PromptCommands,
    KeepingCommands,
    FindCommands,
    TokenCommands,
    ComparingCommands,
    TuningCommands,
):
    """One session with one model at a time."""

    TITLE = "textgen-tui"
    CSS_PATH = "screens/main.tcss"  # here, since an app does not read its default screen's
    COMMAND_PALETTE_BINDING = "ctrl+g"

    def __init__(
        self,
        settings: Settings,
        load: LoadJob,
        transcript: Transcript,
        *,
        prompt: str = "",
        config: Config | None = None,
        welcome: bool = False,
        library: Library | None = None,
        opening: Choice | None = None,
    ) -> None:
        """`opening` is a transcript to begin with: to go on from it, or to play it."""
        alt_keys.hear()
        self._config = config or Config()
        actions, complaints = configured(ACTIONS, self._config)
        pace = Pace(self._config.reading_speed)
        recording = not isinstance(transcript, Unrecorded)
        worker = Worker(transcript, pace)
        super().__init__(settings, worker, prompt=prompt, actions=actions, library=library, recording=recording)
        self._opening = opening
        self._complaints = [*self._config.complaints, *complaints]
        self._welcome = Welcome(self.actions) if welcome else None
        self._load_job = load
        self._draining: Timer | None = None
        self._counting: Timer | None = None
        self._looking: Timer | None = None

    def get_default_screen(self) -> Screen[None]:
        """The panes."""
        return self.main

    def on_mount(self) -> None:
        """Show the panes, then start the worker: torch is imported behind a screen that is there already."""
        self.set_looks(self._config.theme, reduced_motion=self._config.reduced_motion)
        # The terminal comes back empty, and Textual would draw nothing but what has changed.
        self.app_resume_signal.subscribe(self, lambda _: self.screen.refresh())
        self.call_after_refresh(self._begin)
        self._count()

    def _begin(self) -> None:
        self._greet()
        self.worker.start()
        self.begin_loading(self._load_job)
        self._draining = self.set_interval(FRAME_S, self._drain)
        if self._opening is not None:
            self.take_choice(self._opening)
        self.look_for_cut_off(self._config.keep_days)

    def _greet(self) -> None:
        """Where to begin, on the first start; and what of the user's own files could not be taken."""
        if self._welcome is not None:
            self.main.mount(self._welcome)
        self.shelf.load()
        self.show_presets()
        for complaint in told(self._complaints):
            self.note("warning", "config", complaint)

    # From the worker

    def _drain(self) -> None:
        """Take over what the worker has put out since the last frame; text is drawn once a frame."""
        outbox = self.worker.outbox
        self.follow_lens()
        self.follow_colours()
        self._follow_chat()
        if not outbox:
            return
        text: list[Addition] = []
        while outbox:
            item = outbox.popleft()
            if isinstance(item, RunEvent) and isinstance(item.event, Token | Changed):
                if item.run == self.session.run:
                    text += self.session.hear(item.event)
                continue
            if text:
                self.main.show_text(text)
                text = []
            self._take(item)
        if text:
            self.main.show_text(text)
        if self.session.running:
            self.status.update(**self.session.places)

    def _take(self, item: Output) -> None:
        match item:
            case Progress() if self.player is None:
                share = f" {100 * item.done // item.total}%" if item.total else ""
                self.status.update(stage="loading", detail=f"{item.stage}{share}")
            case ModelFacts() if self.hear_loaded(item):
                self.session.facts = item
                self.insight = Insight()
                self.meet(item)
                self.prompt.completions = item.choices.names if item.choices and not item.choices.setting else ()
                self.main.show_model(item)
                self._count()
                self.ask_lens()
            case LoadFailed():
                self.hear_not_loaded(item)
            case RunEvent(run, Looked() as event) if run == self.session.run:
                self.show_looked(event)
            case RunEvent(run, event) if run == self.session.run:
                self.session.hear(event)
                self.insight.hear(event)
                self.main.show_event(event)
                if isinstance(event, Paused) or not self.session.running:
                    self.ask_lens()
                if not self.session.running:
                    self.catch_up()
                    self.show_offer()
            case LookSeen():
                self.show_look(item)
            case Measured():
                self.show_measured(item)
            case Stats(run) if run == self.session.run:
                self.insight.measure(item)
                self.status.update(
                    first_token_s=item.first_token_s,
                    tokens_per_s=item.tokens_per_s,
                    memory_bytes=item.memory_bytes,
                    cache=item.cache,
                )
                self.main.show_counts()
            case Verifying(done, total):
                self.hint(f"Run again: {done:,} of {total:,} tokens.")
            case Verified(level, lines):
                for line in lines:
                    self.note(level, "verify", line)
            case EffectSeen(effect):
                self.settings_panel.show_effect(effect.name, effect_text(effect))
            case RecordTrouble(""):
                self.hint("The transcript is written again, and nothing is missing in it.")
            case Asked(job) if not job.cancelled.is_set():
                job.then(item)
            case Asking(job, done, total) if not job.cancelled.is_set():
                job.told(done, total)
            case Compared(job):
                job.hear(item)
            case RecordTrouble(error):
                self.note("warning", "record", f"{error}. {self.way_on_unrecorded}")
            case _:
                pass  # an event of a run that is no longer shown

    # From the keyboard

    async def on_event(self, event: Event) -> None:
        """The first key closes the welcome on its way to wherever it goes; what is pasted where nobody types is a
        prompt.
        """
        if self._welcome is not None and isinstance(event, Key):
            self._welcome.close()
            self._welcome = None
        if isinstance(event, Paste) and not event.is_forwarded and self._nobody_types:
            self.main.turn_to_prompt()
            self.prompt.insert_text(event.text)
            return
        await super().on_event(event)

    @property
    def _nobody_types(self) -> bool:
        return self.screen is self.main and not isinstance(self.focused, TextArea | Input)

    # From the panes

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Count the prompt's tokens, once the typing rests."""
        if event.text_area is not self.prompt:
            return
        if self._counting is not None:
            self._counting.stop()
        self._counting = self.set_timer(COUNT_AFTER_S, self._count)

    def _follow_chat(self) -> None:
        """Tell whether the prompt is a conversation, whoever changed that."""
        chat = self.session.settings.chat
        if chat != self.prompt.chat:
            self.prompt.chat = chat
            self.status.update(chat=chat)
            self._count()

    def _count(self) -> None:
        facts, text, settings = self.session.facts, self.prompt.text, self.session.settings
        most, sliding = self.session.reach, slides(settings)

        def count() -> None:
            tokens = None
            with suppress(PromptError):  # a run from it says why
                tokens = facts.count_tokens(text, settings) if facts else None
            counted_text = counted(text)
            if not get_current_worker().is_cancelled:  # else a newer text is being counted
                self.call_from_thread(self.prompt.show_count, tokens, most, counted_text, sliding)

        # A text that cannot be encoded is no reason to leave: it has no count, and a run from it says why.
        self.run_worker(count, thread=True, exclusive=True, exit_on_error=False, group="count")

    def on_settings_panel_looked(self, event: SettingsPanel.Looked) -> None:
        """Find out what the setting does to the next token, once the looking rests."""
        self._look()

    def _look(self) -> None:
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_timer(LOOK_AFTER_S, self._ask_effect)

    def _ask_effect(self) -> None:
        session, name = self.session, self.settings_panel.highlighted
        if session.facts is None or session.running or name is None:
            return
        place = self.output.sequence
        prompt = (
            session.sequences[place].to_read(session.writing.prompt) if session.can_go_on(place) else self.prompt.text
        )
        self.worker.put(EffectJob(prompt, session.settings, name))

    def on_settings_panel_edited(self, event: SettingsPanel.Edited) -> None:
        """Take a value that the panel has checked."""
        self.change_settings(lambda: self.session.change(event.name, event.value))
        self._look()
        if event.name in COUNTED:
            self._count()

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Under a screen that lies over the panes the keys rest; some have a use with some families alone."""
        if self.screen is not self.main and action != "quit" and action in self.of_the_panes:
            return False
        return bool(self.session.facts and self.session.facts.choices) if action == "choose" else True

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """The palette: every action."""
        for action in self.actions:
            key = f" ({action.shown_key})" if action.keys else ""
            rare = "." in action.id and not action.keys  # settings a step up or down: found by those who search
            yield SystemCommand(f"{action.label}{key}", action.help, self._in_palette(action.action), not rare)

    def _in_palette(self, action: str) -> Callable[[], None]:
        async def run() -> None:
            await self.run_action(action)

        return lambda: self.call_next(run)

    async def action_quit(self) -> None:
        """Leave; the run under way ends first, and an edit under way is taken over."""
        if self.editing:
            self.after_typing(self._leave)
        else:
            self._leave()

    def _leave(self) -> None:
        if self._draining is not None:
            self._draining.stop()
        self.leave_tuning()
        self.worker.close()
        self.exit()


def told(complaints: Sequence[str]) -> list[str]:
    """As many complaints of the config as can be read at a glance, and how many there are beyond."""
    more = len(complaints) - TOLD_COMPLAINTS
    rest = [f"{more} more of this kind: textgen-tui config lists them all"] if more > 0 else []
    return [*complaints[:TOLD_COMPLAINTS], *rest]
