"""What a strategy sees that follows or weighs several ways on: beams, candidates, layers, drafts."""

from __future__ import annotations

from collections import Counter

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from engine.events import Beam, Beams, Compared, Contrasted, Drafted, Event, Failed, Finished, Prepared
from engine.safe_text import safe_text

_ROWS, _ROWS_FOLDED = 6, 2
_BAR = 8
_ENDS = 160  # characters of a beam that are looked at: no pane is wider


class StrategyPane(Widget):
    """Hidden under the strategies that see one way on alone. What it shows last stays, dim, until the next run."""

    HELP = (
        "What a strategy weighs that has several ways on. Beams: ▶ goes on, ■ has ended, ✗ has just fallen away, "
        "each with its score, the best first. Candidates: their probability, less how much they resemble what is "
        "there; ● was chosen. Layers: the early layer that the last one is set against. "
        "Draft: ✓ the tokens that came as they were proposed, ✗ those that did not. Dim, it is how the last "
        "run ended. Hidden under the other strategies."
    )
    DEFAULT_CSS = """
    StrategyPane {
        border: round $border-blurred;
        border-title-color: $primary;
        border-subtitle-color: $text-muted;
        height: auto;
        display: none;
        padding: 0 1;
        &.-told { display: block; }
        &.-past { text-style: dim; }
    }
    """

    folded: reactive[bool] = reactive(False, layout=True)
    """Whether there is room for the first lines alone."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._layers: Counter[int] = Counter()
        self._drafted = self._accepted = 0
        self._told: Beams | Compared | Contrasted | Drafted | None = None
        self._height = 0

    def clear(self) -> None:
        """Nothing to see."""
        self._layers.clear()
        self._drafted = self._accepted = 0
        self._told, self._height = None, 0
        self.remove_class("-told", "-past")

    def hear(self, event: Event) -> None:
        """Show what an event tells; each replaces the one before."""
        match event:
            case Prepared():
                self.clear()
            case Finished() | Failed():
                self.add_class("-past")
            case Contrasted(_, _, layer):
                self._layers[layer] += 1
                self._show(event)
            case Drafted(_, ids, _, accepted):
                self._drafted += len(ids)
                self._accepted += accepted
                self._show(event)
            case Beams() | Compared():
                self._show(event)

    def lines(self, width: int) -> list[Content]:
        """What is to be seen, in as many lines as there is room for, none longer than `width` cells."""
        rows = _ROWS_FOLDED if self.folded else _ROWS
        match self._told:
            case Beams():
                return _of_beams(self._told, rows, width)
            case Compared():
                return _of_candidates(self._told, rows)
            case Contrasted():
                return [_of_layers(self._told, self._layers)]
            case Drafted():
                return [_of_draft(self._told, width)]
        return []

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as it once was in this run: the output above must not jump with every beam that falls."""
        return min(self._height, _ROWS_FOLDED if self.folded else _ROWS)

    def render(self) -> Content:
        """Line under line."""
        return Content("\n").join(self.lines(self.content_size.width))

    def _show(self, told: Beams | Compared | Contrasted | Drafted) -> None:
        self._told = told
        self.border_title, self.border_subtitle = _titles(told)
        if isinstance(told, Drafted):
            share = self._accepted / self._drafted if self._drafted else 0.0
            self.border_subtitle = f"✓ {self._accepted:,} of {self._drafted:,} accepted · {share:.0%}"
        self.add_class("-told")
        before, self._height = self._height, max(self._height, _rows(told))
        self.refresh(layout=before != self._height)


def _rows(told: Beams | Compared | Contrasted | Drafted) -> int:
    match told:
        case Beams():
            return len(told.running) + len(told.finished) + min(len(told.fallen), 2)
        case Compared():
            return len(told.candidates)
    return 1


def _titles(told: Beams | Compared | Contrasted | Drafted) -> tuple[str, str]:
    match told:
        case Beams():
            counts = f"▶ {len(told.running)} alive · ■ {len(told.finished)} ended · ✗ {len(told.fallen)} fallen"
            return "Beams", f"{counts} · {told.settled} tokens agreed"
        case Compared():
            return "Candidates", "● chosen · probability − likeness to what is there"
        case Drafted():
            return f"Draft by {safe_text(told.source)}", ""
    return "Layers", "the early layer that the last is set against"


def _of_beams(event: Beams, rows: int, width: int) -> list[Content]:
    """The best first; what has fallen since is struck through, so that it is seen to fall."""
    grouped = any(beam.group for beam in (*event.running, *event.finished, *event.fallen))

    def line(sign: str, beam: Beam, style: str) -> Content:
        head = f"{sign} {beam.score:7.3f}  " + (f"group {beam.group + 1}  " if grouped else "")
        return Content.assemble((head[:2], "bold"), head[2:], (_end(beam.text, width - cell_len(head)), style))

    standing = [
        *(line("▶", beam, "$text") for beam in event.running),
        *(line("■", beam, "$text-success") for beam in event.finished),
    ]
    fallen = [line("✗", beam, "$text-muted strike") for beam in event.fallen[: min(2, rows // 2)]]
    return standing[: rows - len(fallen)] + fallen


def _end(text: str, width: int) -> str:
    """The end of a text in so many cells: it is there that a beam grows."""
    safe = safe_text(text[-_ENDS:])
    if len(text) <= _ENDS and cell_len(safe) <= width:
        return safe
    while safe and cell_len(safe) >= width:
        safe = safe[1:]
    return "…" + safe


def _of_candidates(event: Compared, rows: int) -> list[Content]:
    """The likeliest first; the chosen one among them, however few have room."""
    shown = list(event.candidates[:rows])
    chosen = next((candidate for candidate in event.candidates if candidate.id == event.chosen), None)
    if chosen is not None and chosen not in shown:
        shown[-1] = chosen
    return [
        _candidate(candidate.text, candidate.confidence, candidate.penalty, candidate is chosen) for candidate in shown
    ]


def _candidate(text: str, confidence: float, penalty: float, chosen: bool) -> Content:
    full = round(_BAR * confidence)
    return Content.assemble(
        ("● " if chosen else "  ", "bold"),
        f"{confidence:5.2f} {'▰' * full}{'▱' * (_BAR - full)} − {penalty:4.2f}  ",
        (safe_text(text.replace(" ", "␣")), "bold" if chosen else "$text-muted"),
    )


def _of_draft(event: Drafted, width: int) -> Content:
    """The tokens of the draft: those that came, then those that did not, struck through."""
    came = safe_text("".join(event.texts[: event.accepted]).replace(" ", "␣"))
    rest = safe_text("".join(event.texts[event.accepted :]).replace(" ", "␣"))
    line = Content.assemble(
        ("✓ ", "bold"), (came, "$text"), (" ✗ " if rest else "", "bold"), (rest, "$text-muted strike")
    )
    return line.truncate(width, ellipsis=True)


def _of_layers(event: Contrasted, seen: Counter[int]) -> Content:
    counts = " · ".join(f"{layer}: {seen[layer]}×" for layer in event.layers)
    return Content.assemble("layer ", (str(event.layer), "bold"), (f"   so far {counts}", "$text-muted"))
