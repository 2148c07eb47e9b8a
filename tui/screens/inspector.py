"""The inspector: a text as the model gets it, how likely it is, what could come next; the vocabulary, to search."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Static, Tab, Tabs, TextArea

from engine.errors import EngineError
from engine.score_wording import summary
from engine.vocabulary import HELP, VocabularyToken, ids_from
from engine.weighing_table import table_lines, visible
from tui import token_views
from tui.action import shown
from tui.asking import Asked, AskJob
from tui.vocabulary_use import USES, used
from tui.widgets.counts import plural
from tui.widgets.safe_editor import SafeEditor
from tui.widgets.settings_panel.safe_input import SafeInput

if TYPE_CHECKING:
    from engine.inspection import NextToken, TextToken
    from engine.scoring import TextScore
    from tui.commands.base import SessionApp

AFTER_S = 0.15
CANDIDATES = 20
LISTED = 1000
VIEWS = {"tokens": "f2", "score": "f3", "next": "f4", "vocabulary": "f5"}
_TITLES = {"tokens": "Tokens", "score": "Score", "next": "Next token", "vocabulary": "Vocabulary"}
SCORED_UNDER = ("prefix", "chat", "system_prompt", "xlm_language")
"""The settings that a score depends on."""
_NO_MODEL = "There is no model yet: its tokens are shown as soon as it is loaded."


class InspectorScreen(ModalScreen[None]):
    """A text above, a view of it below; the views have a key each. Nothing here touches a run or its cache."""

    DEFAULT_CSS = """
    InspectorScreen { align: center middle; }
    InspectorScreen #inspector-box {
        width: 132; max-width: 100%; height: 100%;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    InspectorScreen SafeEditor { height: 5; border: round $border-blurred; padding: 0 1; background: transparent;
        border-subtitle-color: $text-muted; &:focus { border: round $border; } }
    InspectorScreen.-low SafeEditor { height: 3; }
    InspectorScreen Input { border: none; height: 1; padding: 0; background: $foreground 12%; display: none; }
    InspectorScreen.-vocabulary Input { display: block; }
    InspectorScreen #inspector-said { height: auto; max-height: 6; color: $text-muted; }
    InspectorScreen.-low #inspector-said { max-height: 2; }
    InspectorScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    InspectorScreen VerticalScroll Static { height: auto; }
    InspectorScreen Tab.-active { text-style: bold reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", id="inspector.close", show=False),
        *(
            Binding(key, f"view('{name}')", _TITLES[name], id=f"inspector.{name}", show=False, priority=True)
            for name, key in VIEWS.items()
        ),
        *(
            Binding(use.key, f"use('{name}')", use.help, id=f"inspector.{name}", show=False, priority=True)
            for name, use in USES.items()
        ),
        Binding("pagedown", "scroll(1)", "further down", id="inspector.down", show=False, priority=True),
        Binding("pageup", "scroll(-1)", "further up", id="inspector.up", show=False, priority=True),
    ]

    def __init__(self, owner: SessionApp, text: str) -> None:
        super().__init__()
        self._owner = owner
        self._view = "tokens"
        self._editor = SafeEditor(text)
        self._search = SafeInput(placeholder=HELP, compact=True)
        self._said = Static(markup=False, id="inspector-said")
        self._body = Static(markup=False)
        self._scroll = VerticalScroll(self._body, can_focus=False)
        self._tabs = Tabs(
            *(Tab(f"{key.upper()} {_TITLES[name]}", id=f"view-{name}") for name, key in VIEWS.items()),
        )
        self._tabs.can_focus = False
        self._resting: Timer | None = None
        self._asked: AskJob | None = None
        self._tokens: list[TextToken] = []
        self._decoded = ""
        self._seen: dict[str, tuple[tuple[str, object], Any]] = {}
        """View -> what it is about, the text first, and what the model said of it or why it did not."""
        self._found: list[VocabularyToken] = []
        self._found_line = ""

    def compose(self) -> ComposeResult:
        """The text, the names of the views, what there is to say, and the view."""
        with Vertical(id="inspector-box") as box:
            box.border_title = "Inspector"
            box.border_subtitle = "esc closes · pgup pgdn scroll"
            yield self._editor
            yield self._tabs
            yield self._search
            yield self._said
            yield self._scroll

    def on_mount(self) -> None:
        """Begin with the text's tokens."""
        self._editor.border_title = "Text"
        self._editor.move_cursor(self._editor.document.end)
        self._editor.focus()
        self._read()

    def on_unmount(self) -> None:
        """Nobody waits for an answer any more."""
        self._give_up()

    def on_resize(self) -> None:
        """Lay it out anew."""
        self.set_class(self.size.height < 30, "-low")
        self.call_after_refresh(self._show)

    # Tokens, as one types

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Read the text once the typing rests."""
        event.stop()
        self._later(self._read)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search once the typing rests."""
        event.stop()
        self._later(self._look_up)

    def _later(self, act: Callable[[], None]) -> None:
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(AFTER_S, act)

    def _read(self) -> None:
        """Tokenise off the screen's thread."""
        facts, text = self._owner.session.facts, self._editor.text
        if facts is None or facts.reader is None:
            self._say(_NO_MODEL)
            self._later(self._read)
            return
        reader, settings = facts.reader, self._owner.session.settings

        def read() -> None:
            try:
                tokens, error = reader.tokens(text, settings), ""
                ids = ids_from(text)
                decoded = reader.text_of(ids) if ids else ""
            except EngineError as trouble:
                tokens, decoded, error = [], "", str(trouble)
            self.app.call_from_thread(self._take_tokens, text, tokens, decoded, error)

        self.run_worker(read, thread=True, exclusive=True, exit_on_error=False, group="inspect")

    def _take_tokens(self, text: str, tokens: list[TextToken], decoded: str, error: str) -> None:
        if text != self._editor.text or not self.is_mounted:  # a newer one is being read
            return
        self._tokens, self._decoded = tokens, decoded
        special = sum(token.special for token in tokens)
        marked = f" · {special} special" if special else ""
        told = f"{plural(len(tokens), 'token')} · {plural(len(text), 'character')}{marked}"
        self._editor.border_subtitle = (error and "no text") or told
        self._show()
        if error:
            self._say(error)

    # Views

    def action_view(self, name: str) -> None:
        """Turn to a view, or look again where it is the one that is open."""
        if self._view == name:
            self._turn_to(name)
        self._tabs.active = f"view-{name}"

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        """A view was turned to, by its key or by a click."""
        event.stop()
        self._turn_to((event.tab.id or "").removeprefix("view-"))

    def _turn_to(self, name: str) -> None:
        """Show a view, and ask for what it shows."""
        self._view = name
        self.set_class(self._view == "vocabulary", "-vocabulary")
        self._give_up()
        (self._search if self._view == "vocabulary" else self._editor).focus()
        self._scroll.scroll_home(animate=False)
        if self._view == "vocabulary":
            self._look_up()
        elif self._view in ("score", "next"):
            self._ask()
        self._show()

    def action_scroll(self, by: int) -> None:
        """A page down or up in the view, wherever the focus is."""
        (self._scroll.scroll_page_down if by > 0 else self._scroll.scroll_page_up)(animate=False)

    def _ask(self) -> None:
        """Ask the model about the text as it stands; a view whose key is pressed again asks anew."""
        text, view, settings = self._editor.text, self._view, self._owner.session.settings
        under = settings if view == "next" else tuple(getattr(settings, name) for name in SCORED_UNDER)
        asked: tuple[str, object] = (text, under)
        if view in self._seen and self._seen[view][0] == asked:
            return
        self._seen.pop(view, None)

        def ask(model: Any, report: Callable[[int, int], None]) -> object:
            from engine.inspection import next_token
            from engine.scoring import score_text

            if view == "score":
                return score_text(model, text, settings, report)
            return next_token(model, text, settings, CANDIDATES)

        def then(answer: Asked) -> None:
            self._asked = None
            self._seen[view] = (asked, answer.error or answer.answer)
            self._show()

        def told(done: int, total: int) -> None:
            self._say(f"The model reads the text: {100 * done // max(total, 1)}%")

        self._asked = AskJob(ask, then, told)
        self._owner.worker.put(self._asked)

    def _give_up(self) -> None:
        if self._asked is not None:
            self._asked.cancelled.set()
            self._asked = None

    def _show(self) -> None:
        """Lay the view out at the width that there is."""
        width = max(20, self._scroll.scrollable_content_region.width or self.size.width - 5)
        if self._view == "tokens":
            self._say(token_views.token_line(self._tokens, self._decoded))
            self._body.update(token_views.tokens(self._tokens, self._decoded, width))
        elif self._view == "vocabulary":
            self._show_found()
        elif self._view in self._seen:
            asked, answer = self._seen[self._view]
            stale = asked[0] != self._editor.text
            key = VIEWS[self._view].upper()
            self._say(f"The text has changed since: {key} looks again." if stale else "")
            if isinstance(answer, str):
                self._say(answer)
                self._body.update("")
            elif self._view == "score":
                self._show_score(answer, width, stale)
            else:
                self._show_next(answer, width, stale)
        else:
            waits = " once the run under way has ended" if self._owner.session.running else ""
            self._say(f"The model looks at the text{waits} …")
            self._body.update("")

    def _show_score(self, score: TextScore, width: int, stale: bool) -> None:
        if not stale:
            self._say("\n".join([summary(score), *(note.text for note in score.notes)]))
        self._body.update(token_views.score(score, width))

    def _show_next(self, table: NextToken, width: int, stale: bool) -> None:
        if not stale:
            self._say("\n".join(note.text for note in table.prepared.notes) or "What could come after the text:")
        self._body.update(Text("\n".join(table_lines(table.weighing, width)), no_wrap=True))

    # The vocabulary

    def _look_up(self) -> None:
        facts, query = self._owner.session.facts, self._search.meant
        if facts is None or facts.reader is None:
            self._say(_NO_MODEL)
            return
        reader = facts.reader

        def look_up() -> None:
            try:
                tokens, of = reader.search(query)
                self.app.call_from_thread(self._take_found, query, tokens, of, "")
            except EngineError as error:
                self.app.call_from_thread(self._take_found, query, [], 0, str(error))

        self.run_worker(look_up, thread=True, exclusive=True, exit_on_error=False, group="vocabulary")

    def _take_found(self, query: str, tokens: list[VocabularyToken], of: int, error: str) -> None:
        if query != self._search.meant or not self.is_mounted:
            return
        self._found = tokens
        uses = " · ".join(f"{shown(use.key)} {use.label}" for use in USES.values())
        self._found_line = error or f"{len(tokens):,} of {of:,} tokens · {uses}"
        if self._view == "vocabulary":
            self._show_found()

    def _show_found(self) -> None:
        self._say(self._found_line or "The vocabulary is read …")
        lines = [
            f"{token.id:>8}  {visible(token.text)}{'*' if token.special else ''}" for token in self._found[:LISTED]
        ]
        more = len(self._found) - LISTED
        self._body.update(Text("\n".join([*lines, *([f"and {more:,} more"] if more > 0 else [])]), no_wrap=True))

    def action_use(self, name: str) -> None:
        """Do something with the tokens that were found."""
        if self._view != "vocabulary" or not self._found:
            raise SkipAction()
        ids = [token.id for token in self._found]
        if name == "copy":
            self.app.copy_to_clipboard(" ".join(map(str, ids)))
            self._say(f"{plural(len(ids), 'id')} copied.")
        elif name == "bias":
            from tui.screens.ask import Ask

            title = f"Bias for {plural(len(ids), 'token')} (as -2 or 3.5)"
            self.app.push_screen(Ask(title), lambda answer: self._set(name, ids, answer) if answer else None)
        else:
            self._set(name, ids)

    def _set(self, name: str, ids: list[int], amount: str = "") -> None:
        facts = self._owner.session.facts
        size = facts.vocabulary_size if facts else 0
        try:
            changes, told = used(name, ids, self._owner.session.settings, size, amount)
        except EngineError as error:
            self._say(str(error))
            return
        self._owner.change_settings(lambda: self._owner.session.change_together(changes))
        self._say(told)

    def _say(self, text: str) -> None:
        self._said.update(Text(text))
        self._said.display = bool(text)
