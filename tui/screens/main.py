"""The main screen: lays out the panes and shows in them what a session tells."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen

from engine.events import Beams, Event, Failed, Finished, Forgot, Note, Noted, Paused, Prefilled, Prepared
from engine.settings.names import FORMS
from tui.actions import Actions
from tui.jobs import ModelFacts
from tui.running import Addition
from tui.session import Session
from tui.widgets.banner import Banner
from tui.widgets.counts import ENDS, counts_line, plural
from tui.widgets.find_bar import FindBar
from tui.widgets.key_bar import KeyBar
from tui.widgets.legend import Legend
from tui.widgets.lens import LensPane
from tui.widgets.notes import NotesPane
from tui.widgets.output import Columns, OutputView
from tui.widgets.output_editor import OutputEditor
from tui.widgets.prompt import PromptPane
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.status import StatusLine, TitleLine
from tui.widgets.strategy_pane import StrategyPane
from tui.writing import ENDINGS

NARROW, MEDIUM, WIDE = 100, 116, 180
TINY = (60, 16)
"""Up to here, in either direction, prompt and output have the screen for themselves."""
HIGH = 34
"""From so many lines on the lens stands below the settings; on fewer it is a key away."""
LOW = 30
"""Lines of a screen on which the panes around the output give way."""
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
    "Type an opening above, press {run}, and the model writes on.\n"
    "{warmer} warms it up, {cooler} cools it down, even in mid-sentence.\n"
    "{palette} finds everything else."
)
# What it says is what it looks like.
BY_HAND = "[underline]by hand[/underline]"


class MainScreen(Screen[None]):
    """The panes. It shows a session and asks nothing of the worker."""

    class Rewritten(Message):
        """Another text is shown, or the same as a run left it."""

    def __init__(self, session: Session, actions: Actions, prompt: str = "") -> None:
        super().__init__()
        self._session = session
        self._actions = actions
        self._spread = False
        self.prompt = PromptPane(prompt, id="prompt")
        self.columns = Columns(
            HINT.format(
                run=actions.key("run"),
                warmer=actions.key("temperature.up"),
                cooler=actions.key("temperature.down"),
                palette=actions.key("palette"),
            ),
            id="columns",
        )
        self.columns.hint = f"{actions.key('sequence')} shows the next."
        self.editor = OutputEditor(id="editor")
        self.strategy_pane = StrategyPane(id="strategy")
        self.notes = NotesPane(id="notes")
        self.settings_panel = SettingsPanel(
            session.settings, primary=PRIMARY, key_hints=actions.key_hints(), id="settings"
        )
        self.lens = LensPane(id="lens")
        self.legend = Legend(id="legend")
        self.find_bar = FindBar(id="find")
        self.status = StatusLine(id="status")
        self.title_line = TitleLine(id="title")
        self.key_bar = KeyBar(actions, id="keys")
        self.banner = Banner(id="banner")
        self.replaying = False
        """Whether what is shown is a record that is being played."""

    def compose(self) -> ComposeResult:
        """The eye rests on the output; the panes around it answer."""
        yield self.title_line
        with Horizontal(id="panes"):
            with Vertical(id="text"):
                yield self.prompt
                yield self.columns
                yield self.editor
                yield self.legend
                yield self.find_bar
                yield self.strategy_pane
                yield self.notes
            with Vertical(id="side"):
                yield self.settings_panel
                yield self.lens
        yield self.banner
        yield self.status
        yield self.key_bar

    def take_session(self, session: Session) -> None:
        """Show another session from here on; how it stands is to be shown next."""
        self._session = session

    def on_mount(self) -> None:
        """Begin where the user begins."""
        self.show_counts()
        undo = self._actions["undo"].shown_key
        self.editor.border_subtitle = f"esc takes it over · {undo} leaves it as it was"
        self.prompt.focus()

    def on_resize(self, event: Resize) -> None:
        """Notes stand beside the text where it is wide; where it is narrow the right-hand column folds, and where it is
        tiny all but prompt and output.
        """
        self.set_class(event.size.width >= WIDE, "-wide")
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(NARROW <= event.size.width < MEDIUM, "-medium")
        self.set_class(event.size.width <= TINY[0] or event.size.height <= TINY[1], "-tiny")
        self.set_class(event.size.height < HIGH, "-low")
        self.strategy_pane.folded = event.size.height < LOW
        self.call_after_refresh(self.show_counts)  # more or fewer of them have room

    @property
    def output(self) -> OutputView:
        """The view of the shown sequence: of the current one, where several are."""
        return self.columns.current

    def show_several(self, several: bool) -> None:
        """Show all sequences, the panes beside them folded where they have no room otherwise, or one."""
        self._spread = several and (self._spread or self.columns.room < 2)
        self.columns.several = several
        self._fold()

    def _fold(self) -> None:
        self.set_class(self._spread and self.columns.count > 1, "-spread")

    def on_columns_turned(self) -> None:
        """Another sequence is the current one."""
        if isinstance(self.find_bar.pane, OutputView):
            self.find_bar.turn(self.output)
        self.show_counts()

    def on_columns_fitted(self) -> None:
        """More or fewer of them have room."""
        self.call_after_refresh(self.show_counts)

    def turn_to_settings(self) -> None:
        """To the settings, or back to the prompt; where the screen is narrow they fold in and out."""
        inside = self._in_settings
        self.set_class(not inside, "-settings")
        (self.prompt if inside else self.settings_panel).focus()

    def turn_to_lens(self) -> None:
        """To the lens, or back to the output; where it has no room of its own it opens and closes by that."""
        inside = self.lens.has_focus
        self.remove_class("-settings", "-notes")
        self.set_class(not inside, "-lens")
        (self.output if inside else self.lens).focus()

    @property
    def lens_shown(self) -> bool:
        """Whether the lens is to be seen, so that it is worth while to look."""
        return bool(self.lens.is_on_screen) if self.lens.is_attached else False

    def turn_to_notes(self) -> bool:
        """To the notes, or back to the prompt; False where there are none."""
        inside = self.notes.has_focus
        if not inside and not self.notes.notes:
            return False
        self.remove_class("-settings")
        self.set_class(not inside, "-notes")
        (self.prompt if inside else self.notes).focus()
        return True

    def on_notes_pane_told(self, event: NotesPane.Told) -> None:
        """Where the notes are folded away, a new one is told in passing, and that it is there."""
        if self.has_class("-tiny"):
            self.status.hint(event.text)
            self.show_counts()

    def turn_to_prompt(self) -> None:
        """To the prompt, also where the settings lie over it."""
        self.remove_class("-settings", "-notes")
        self.prompt.focus()

    def on_descendant_focus(self) -> None:
        """Whichever way the focus went: where only one pane has room, it is the one with the focus."""
        self.set_class(self._in_settings, "-settings")
        self.set_class(self.notes.has_focus, "-notes")
        self.set_class(self.lens.has_focus, "-lens")

    def find_in(self, pane: PromptPane | OutputView) -> None:
        """Open the find bar at the foot of a pane."""
        self.remove_class("-settings", "-notes")
        self.query_one("#text").move_child(self.find_bar, after=pane if pane is self.prompt else self.columns)
        self.find_bar.open(pane, f"find in the {'prompt' if pane is self.prompt else 'output'}")

    @property
    def _in_settings(self) -> bool:
        return self.focused is not None and self.settings_panel in self.focused.ancestors_with_self

    # A run, from its start to its end

    def show_start(self) -> None:
        """A run was asked for."""
        self.settings_panel.running = True
        self.columns.stream(True)
        loading = self._session.facts is None
        detail = self.status.reading.detail if loading else ""
        stage = "loading" if loading else "prefill"
        self.status.update(stage=stage, detail=detail, first_token_s=None, tokens_per_s=0.0)
        self.show_counts()

    def show_text(self, text: list[Addition]) -> None:
        """New text, and marks."""
        self.columns.extend(text)
        if self.status.reading.stage == "prefill" and any(kind != "mark" for _, _, kind in text):
            self.status.update(stage="decoding")

    def show_event(self, event: Event) -> None:
        """Anything but a token."""
        self.strategy_pane.hear(event)
        match event:
            case Prepared(_, _, notes):
                if not self._session.goes_on:
                    self.columns.start(self._session.writing.prompt, len(self._session.sequences))
                self.columns.stream(True, self._session.growing)
                self.show_writing()
                for note in notes:
                    self.notes.add(note)
            case Noted(note):
                self.notes.add(note)
            case Beams():
                self.show_tails(event)
            case Forgot():
                self.show_sight()
            case Prefilled():
                self.status.update(prompt_tokens=event.tokens, reused=event.reused, cache=event.cache)
            case Paused():
                self.status.update(stage="paused")
                self.show_counts()
            case Finished():
                self.show_end()
            case Failed(error):
                self.notes.add(Note("error", "failed", f"{error}. What was written stays."))
                self.show_end()

    def show_tails(self, beams: Beams) -> None:
        """Show in the output where the best beams have come to beyond what all of them agree on."""
        session = self._session
        tails = [""] * len(session.sequences)
        for number, beam in enumerate(beams.running):
            if session.place(number) < len(tails):
                tails[session.place(number)] = beam.text
        self.columns.texts.foretell(tails)

    def show_end(self) -> None:
        """The run is over."""
        self.settings_panel.running = False
        self.columns.stream(False)
        self.status.update(stage="ready")
        self.show_writing()

    def show_writing(self) -> None:
        """Show all that is written, as it stands."""
        session = self._session
        self.columns.show([session.pieces(number) for number in range(len(session.sequences))])
        self._fold()
        self.status.update(**session.places)
        self.show_sight()
        self.show_counts()
        self.post_message(self.Rewritten())

    def show_counts(self) -> None:
        """Which sequence is shown, how many tokens are new, how the run ended, which seed it drew from."""
        for view in self.columns.views:
            self._show_counts(view)

    def _show_counts(self, view: OutputView) -> None:
        count, shown = view.sequences, view.sequence
        alone = len(self.columns.views) == 1
        parts, by_hand, seed = [], "", ""
        if shown < len(self._session.sequences):
            written, new = self._session.sequences[shown], self._session.written(shown)
            ending = ENDINGS[written.ending]
            if written.ending == "stop" and any(getattr(self._session.shown_settings, name) for name in FORMS):
                ending = "the form is complete"
            told = plural(new, "new token") if new or ending else ""
            score = "" if written.score is None else f"score {written.score:.3f}"
            seed = f"seed {written.seed}" if told else ""
            parts = [told, ending, score, seed if alone else ""]
            by_hand = f" · {BY_HAND}" if written.by_hand else ""
        view.border_subtitle = counts_line(*parts, count=view.written, width=view.outer_size.width - ENDS)
        here, among = self._session.roads.number(self._session.branch(shown))
        branch = f" · branch {here} of {among}" if among > 1 and not self._session.running else ""
        if alone:
            names = " ".join(f"\\[{n + 1}]" if n == shown else f" {n + 1} " for n in range(count))
            title = "Replay" if self.replaying else "Output"
            view.border_title = (title if count == 1 else f"{title} {names}") + branch + by_hand
        else:
            sign = "▸" if view is self.output else " "
            view.border_title = f"{sign}\\[{shown + 1}] {seed}{branch}{by_hand}"
        if view is self.output and self.has_class("-tiny") and self.notes.notes:
            view.border_title += f" · {plural(len(self.notes.notes), 'note')}: {self._actions.key('notes')}"

    def show_sight(self) -> None:
        """Show what of the text the model does not see."""
        for place in range(len(self._session.sequences)):
            hidden = self._session.hidden(place)
            self.columns.texts.hide(place, hidden.start, hidden.end)
        self.status.update(**self._session.places)

    def show_model(self, facts: ModelFacts) -> None:
        """A model is there."""
        self.title_line.facts = facts
        self.key_bar.hidden = frozenset() if facts.choices else frozenset({"choose"})
        stage = "prefill" if self._session.running else "ready"
        self.status.update(stage=stage, detail="", **self._session.places)

    # Editing

    def open_editor(self) -> None:
        """Put the shown sequence into the editor: at its end, or where one was reading."""
        prompt, number = self._session.writing.prompt, self.output.sequence
        above = self.output.above
        at = None if above is None else max(0, above - len(prompt))
        self.remove_class("-settings", "-notes")
        self.editor.border_title = f"{self.output.border_title} · editing"
        self.editor.open(number, self._session.sequences[number].text, at)
        self.columns.display = False

    def close_editor(self) -> str:
        """The output again, in the place of the editor; what the text in that was."""
        self.columns.display = True
        if self.editor.has_focus:
            self.output.focus()
        return self.editor.close()
