"""The tree of branches: walk it, go to one, name it, compare two, prune."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.branches import Branch, drawn
from tui.screens.branch_lines import details, heading, line
from tui.session import Session
from tui.writing import Writing

_LOOK_S = 0.5


class BranchesScreen(ModalScreen[Branch | None]):
    """Gives the branch to go to, or None."""

    DEFAULT_CSS = """
    BranchesScreen { align: center middle; }
    BranchesScreen Vertical {
        width: 120; max-width: 96%; height: 90%; max-height: 40;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }
    BranchesScreen OptionList {
        border: none; height: 1fr; background: $surface; padding: 0; text-wrap: nowrap; text-overflow: ellipsis;
        &:focus { border: none; }
    }
    BranchesScreen Static { height: 4; border-top: solid $border-blurred; color: $text; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "back", id="branches.close", show=False),
        Binding("n", "name", "name", id="branches.name", show=False),
        Binding("x,delete", "prune", "prune, or bring back", id="branches.prune", show=False),
        Binding("h", "hidden", "show what was pruned", id="branches.hidden", show=False),
        Binding("space", "mark", "mark to compare", id="branches.mark", show=False),
        Binding("c", "compare", "compare", id="branches.compare", show=False),
        Binding("u", "labels(False)", "undo a name or a pruning", id="branches.undo", show=False),
        Binding("U", "labels(True)", "redo it", id="branches.redo", show=False),
        Binding("left", "left", "the one it left", id="branches.left", show=False),
        Binding("right", "right", "the first that left it", id="branches.right", show=False),
    ]

    class Labelled(Message):
        """Branches were named or pruned: the fields of the lines to be recorded."""

        def __init__(self, lines: Sequence[dict[str, Any]]) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, session: Session, sequence: int) -> None:
        super().__init__()
        self._session, self._sequence = session, sequence
        self._roads = session.roads
        self._rows: list[Branch | None] = []  # a heading is none
        self._all = False
        self._marked: Branch | None = None
        self._told = ""
        self._about: Branch | None = None  # what was looked at when that was told
        self._seen: Writing | None = None
        self._list = OptionList(markup=False)
        self._details = Static(markup=False)

    def compose(self) -> ComposeResult:
        """The tree, and below it what there is to say of the branch in it that is looked at."""
        with Vertical() as box:
            box.border_title = "Branches"
            box.border_subtitle = "enter go · n name · c compare · x prune · u undo"
            yield self._list
            yield self._details

    def on_mount(self) -> None:
        """Begin at the present; a run that ends meanwhile may bring another."""
        self._list.focus()
        self.set_interval(_LOOK_S, self._look)

    def on_resize(self, event: Resize) -> None:
        """The lines are as wide as there is room."""
        self.call_after_refresh(self._fill)

    def _look(self) -> None:
        if self._seen is not None and self._seen is not self._session.writing:
            self._fill()

    @property
    def here(self) -> Branch | None:
        """The branch that is looked at."""
        place = self._list.highlighted
        return self._rows[place] if place is not None and place < len(self._rows) else None

    @property
    def _present(self) -> Branch | None:
        return self._session.branch(self._sequence)

    def _fill(self, here: Branch | None = None) -> None:
        here, self._seen = here or self.here or self._present, self._session.writing
        several = len({place.sequence for place in self._roads.branches.places}) > 1
        self._rows, options, width = [], [], self._list.scrollable_content_region.width - 1
        for place in self._roads.branches.places:
            known = self._roads.branches.of(place)
            present = self._session.branch(place.sequence)
            shown = known if self._all else self._roads.shown(known, present)
            if shown:
                self._rows.append(None)
                options.append(Option(heading(place, several, width), disabled=True))
            for twig in drawn(shown):
                self._rows.append(twig.branch)
                options.append(Option(self._line(twig.stem, twig.branch, present, width)))
        self._list.clear_options()
        self._list.add_options(options)
        first = next((n for n, row in enumerate(self._rows) if row is not None), None)
        self._list.highlighted = self._rows.index(here) if here in self._rows else first
        self._describe()

    def _line(self, stem: str, branch: Branch, present: Branch | None, width: int) -> Content:
        number, _ = self._roads.number(branch)
        hidden = self._roads.is_hidden(branch) and branch is not present
        signs = ("●" if branch is present else "×" if hidden else " ") + ("◆" if branch is self._marked else " ")
        return line(stem, "·" if hidden else str(number), signs, self._roads.name(branch), branch, width)

    def _describe(self) -> None:
        branch, told = self.here, self._told
        left = self._roads.number(branch.left)[0] if branch and branch.left else None
        lines = details(branch, left, self._roads.name(branch), self._list.size.width) if branch else []
        self._details.update(Content("\n").join([Content.styled(told, "$text-warning"), *lines[1:]] if told else lines))

    def _say(self, text: str) -> None:
        self._told, self._about = text, self.here
        self._describe()

    # Walking

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Tell of the branch; what was said stays where it was about this one."""
        event.stop()
        self._say(self._told if self.here is self._about else "")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go there."""
        event.stop()
        branch = self._rows[event.option_index]
        if branch is not None:
            self.dismiss(branch)

    def action_left(self) -> None:
        """To the branch that this one left."""
        self._to(self.here.above if self.here else None)

    def action_right(self) -> None:
        """To the first that left this one."""
        self._to(next((row for row in self._rows if row and row.above is self.here), None))

    def _to(self, branch: Branch | None) -> None:
        if branch in self._rows and branch is not None:
            self._list.highlighted = self._rows.index(branch)

    # What is said of them

    def action_name(self) -> None:
        """Ask for a name."""
        branch = self.here
        if branch is None:
            return
        from tui.screens.ask import Ask

        def take(name: str | None) -> None:
            if name is not None:
                self._label(lambda: self._roads.rename(branch, name.strip()))

        self.app.push_screen(
            Ask("A name for the branch; none takes it away", self._roads.name(branch), verbatim=True), take
        )

    def action_prune(self) -> None:
        """Put the branch out of sight with all that parts from it, or bring it back."""
        branch = self.here
        if branch is None:
            return
        hide, present = not self._roads.is_hidden(branch), self._session.branch(branch.place.sequence)
        if branch is present:
            self._say("That is what is written now: go to another branch first.")
            return
        place = self._list.highlighted or 0
        self._label(lambda: self._roads.prune(branch, present, hide=hide))
        self._list.highlighted = min(place, len(self._rows) - 1)
        self._say("Out of sight, not lost: u brings it back, h shows all that was pruned." if hide else "Brought back.")

    def action_labels(self, forward: bool) -> None:
        """Take a name or a pruning back, or bring it back."""
        move = self._roads.redo if forward else self._roads.undo
        if not self._label(move):
            self._say("There is nothing to bring back." if forward else "There is nothing to take back.")

    def _label(self, change: Callable[[], list[dict[str, Any]] | None]) -> bool:
        lines = change()
        if lines:
            self.app.post_message(self.Labelled(lines))
            self._fill()
        return lines is not None

    def action_hidden(self) -> None:
        """Show what was pruned too, or no longer."""
        self._all = not self._all
        self._fill()
        self._say("What was pruned is shown too, with ×." if self._all else "What was pruned is out of sight.")

    # Two of them

    def action_mark(self) -> None:
        """Mark a branch, to be compared with another."""
        self._marked = None if self.here is self._marked else self.here
        self._fill()
        if self._marked:
            self._say("Marked: c on another one compares the two.")

    def action_compare(self) -> None:
        """Compare with the marked one, else with what is written now."""
        one, other = self._marked or self._present, self.here
        if one is None or other is None or one is other:
            self._say("Compare with which? space marks one, c on another compares the two.")
            return
        from tui.screens.compare_branches import CompareBranches

        self.app.push_screen(CompareBranches(one, other, [self._title(one), self._title(other)]))

    def _title(self, branch: Branch) -> str:
        number, _ = self._roads.number(branch)
        return f"Branch {number} {self._roads.name(branch)}".rstrip()
