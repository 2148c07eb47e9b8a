"""Two branches beside one another, or one above the other where it is narrow, from a little before they part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.screen import ModalScreen

from tui.branches import Branch, shared
from tui.pieces import Piece, beginning, text_of
from tui.widgets.counts import plural
from tui.widgets.output import OutputView

_NARROW = 90


class CompareBranches(ModalScreen[None]):
    """What both have is as dim as a prompt; the place where they part is marked in each."""

    DEFAULT_CSS = """
    CompareBranches { align: center middle; }
    CompareBranches Container {
        width: 96%; height: 96%; layout: horizontal; background: $surface;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted;
        &.-narrow { layout: vertical; }
    }
    CompareBranches OutputView {
        width: 1fr; height: 1fr; border: round $border-blurred; border-title-color: $primary; padding: 0 0 0 1;
        &:focus { border: round $border; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "back", id="compare_branches.close", show=False),
    ]

    def __init__(self, one: Branch, other: Branch, titles: Sequence[str]) -> None:
        super().__init__()
        self._branches, self._titles = (one, other), titles
        same = one.place.prompt == other.place.prompt
        self._shared = shared(one.text, other.text) if same else 0
        self._views = [OutputView(), OutputView()]
        self._box = Container()

    def compose(self) -> ComposeResult:
        """The two."""
        self._box.border_title = f"They part after {plural(self._shared, 'character')}"
        self._box.border_subtitle = "tab to the other · esc back"
        with self._box:
            yield from self._views

    def on_mount(self) -> None:
        """Show them where they part."""
        for view, branch, title in zip(self._views, self._branches, self._titles, strict=True):
            view.border_title = title
            view.show([self._pieces(branch)])
        self._views[0].focus()

    def on_resize(self, event: Resize) -> None:
        """Beside one another where there is room."""
        self._box.set_class(event.size.width < _NARROW, "-narrow")
        self.call_after_refresh(self._point)

    def _point(self) -> None:
        for view, branch in zip(self._views, self._branches, strict=True):
            start = len(branch.place.prompt) + self._shared
            view.point_at(start, start + 1) if start < len(view.text()) else view.scroll_end(animate=False)

    def _pieces(self, branch: Branch) -> list[Piece]:
        own = branch.written.pieces
        before = text_of(beginning(own, self._shared))
        after, left = [], self._shared
        for kind, text in own:
            if kind == "mark":
                after += [Piece(kind, text)] if left <= 0 else []
                continue
            after.append(Piece(kind, text[max(0, left) :]))
            left -= len(text)
        return [Piece("prompt", branch.place.prompt + before), Piece("mark", "they part"), *after]

    def on_output_view_pointed(self, event: OutputView.Pointed) -> None:
        """A click is about nothing here."""
        event.stop()
