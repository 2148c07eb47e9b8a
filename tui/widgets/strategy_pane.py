"""What a strategy sees that follows or weighs several ways on: the beams, the candidates, the layers."""

from __future__ import annotations

from collections import Counter

from textual.content import Content
from textual.widgets import Static

from engine.events import Beam, Beams, Compared, Contrasted, Event
from engine.safe_text import safe_text

_ROWS = 6
_BAR = 8


class StrategyPane(Static):
    """Hidden under the strategies that see one way on alone."""

    DEFAULT_CSS = """
    StrategyPane {
        border: round $border-blurred;
        border-title-color: $primary;
        border-subtitle-color: $text-muted;
        height: auto;
        max-height: 9;
        display: none;
        padding: 0 1;
        &.-told { display: block; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._layers: Counter[int] = Counter()

    def clear(self) -> None:
        """Nothing to see."""
        self._layers.clear()
        self.remove_class("-told")

    def hear(self, event: Event) -> None:
        """Show what an event tells; each replaces the one before."""
        match event:
            case Beams():
                self._show("Beams", *_of_beams(event))
            case Compared():
                self._show("Candidates", _of_candidates(event), "● chosen · p, less what it resembles")
            case Contrasted():
                self._layers[event.layer] += 1
                self._show("Layers", [_of_layers(event, self._layers)], "the early layer that the last is set against")

    def _show(self, title: str, lines: list[Content], subtitle: str) -> None:
        self.add_class("-told")
        self.border_title, self.border_subtitle = title, subtitle
        self.update(Content("\n").join(lines[: _ROWS + 1]))


def _of_beams(event: Beams) -> tuple[list[Content], str]:
    """The best first; what has fallen since is struck through, so that it is seen to fall."""
    rows = [
        *(_beam("▶", beam, "$text") for beam in event.running),
        *(_beam("■", b, "$success") for b in event.finished),
    ]
    fallen = [_beam("✗", beam, "$text-muted strike") for beam in event.fallen]
    shown = rows[: _ROWS - min(len(fallen), 2)] + fallen[:2]
    agreed = f"{event.settled} tokens agreed"
    return shown, f"▶ alive {len(event.running)} · ■ ended {len(event.finished)} · ✗ fallen · {agreed}"


def _beam(sign: str, beam: Beam, style: str) -> Content:
    group = f"{beam.group + 1} " if beam.group else ""
    return Content.assemble((f"{sign} ", "bold"), f"{beam.score:7.3f}  {group}", (safe_text(_end(beam.text)), style))


def _end(text: str, width: int = 160) -> str:
    return text if len(text) <= width else "…" + text[1 - width :]


def _of_candidates(event: Compared) -> list[Content]:
    rows = []
    for candidate in event.candidates[:_ROWS]:
        chosen = candidate.id == event.chosen
        bar = "▰" * round(_BAR * candidate.confidence) + "▱" * (_BAR - round(_BAR * candidate.confidence))
        rows.append(
            Content.assemble(
                ("● " if chosen else "  ", "bold"),
                f"{candidate.confidence:5.2f} {bar} − {candidate.penalty:4.2f}  ",
                (safe_text(candidate.text.replace(" ", "␣")), "bold" if chosen else "$text-muted"),
            )
        )
    return rows


def _of_layers(event: Contrasted, seen: Counter[int]) -> Content:
    counts = " · ".join(f"{layer}: {seen[layer]}×" for layer in event.layers)
    return Content.assemble(("now ", "$text-muted"), (str(event.layer), "bold"), (f"   so far {counts}", "$text-muted"))
