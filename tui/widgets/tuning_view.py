"""A fine-tuning as it goes: how far, the losses as they fall, what the model writes; at the end base and tuned."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.finetune.events import Compared, Finished, Left
from engine.finetune.wording import clock, finished, flat, started
from engine.safe_text import safe_block, safe_text
from tui.tuning import TuningState
from tui.widgets.curve import BASE, HELD_OUT, Curve

_BAR = 16
_SIDE_BY_SIDE = 76
"""Columns from which base and tuned stand beside each other."""


class TuningView(Vertical):
    """Shows a state; `show` brings it up to date."""

    DEFAULT_CSS = """
    TuningView { height: 1fr; }
    TuningView > Static { height: auto; }
    TuningView #tuning-what { color: $text-muted; max-height: 2; }
    TuningView #tuning-sample { max-height: 4; text-style: italic; }
    TuningView VerticalScroll { height: 2fr; scrollbar-size-vertical: 1; display: none; }
    TuningView.-compared VerticalScroll { display: block; }
    TuningView.-compared #tuning-sample { display: none; }
    TuningView.-low.-compared Curve { display: none; }
    TuningView.-low #tuning-what { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._what = Static(markup=False, id="tuning-what")
        self._progress = Static(markup=False, id="tuning-progress")
        self._curve = Curve()
        self._sample = Static(markup=False, id="tuning-sample")
        self._texts = Static(markup=False)
        self._shown: TuningState | None = None

    def compose(self) -> ComposeResult:
        """What is learned, how far it is, the losses, and texts."""
        yield self._what
        yield self._progress
        yield self._curve
        yield self._sample
        with VerticalScroll():
            yield self._texts

    def on_resize(self) -> None:
        """Lay it out anew."""
        self.set_class(self.size.height < 16, "-low")
        if self._shown is not None:
            self.call_after_refresh(self.show, self._shown)

    def show(self, state: TuningState) -> None:
        """Show how it stands."""
        self._shown = state
        begun = state.started
        self._what.update(Content(safe_text(started(begun) if begun else "")))
        self._progress.update(Content(safe_text(progress(state, self.size.width))))
        if begun is not None:
            self._curve.show(state.losses, state.held_out, begun.steps, begun.base_loss)
            self._curve.border_title = f"loss   ⠤ learned from   {HELD_OUT} held out   {BASE} held out, before"
            best = state.best
            self._curve.border_subtitle = (
                f"best: {best.held_out_loss:.3f}, perplexity {best.perplexity:,.1f}, step {best.step:,}" if best else ""
            )
        sample = state.sample
        text = f"step {sample.step:,}: {flat(sample.prompt + sample.text)}" if sample else ""
        self._sample.update(Content(safe_text(text)))
        self.set_class(bool(state.compared), "-compared")
        if state.compared:
            self._texts.update(side_by_side(state.compared, self.size.width))


def progress(state: TuningState, width: int = 80) -> str:
    """How far it is, or how it ended; on one line where so many columns have room for it."""
    match state.end:
        case Finished() as end:
            return f"✓ {finished(end)}"
        case Left() as left:
            return f"□ left after step {left.step:,}; it can be gone on with"
        case None:
            pass
        case failed:
            return f"✗ {failed.error}"
    cells = _BAR if width >= _SIDE_BY_SIDE else _BAR // 4
    filled = round(cells * state.share)
    bar = "▰" * filled + "▱" * (cells - filled)
    step = state.step
    if step is None or state.stage != "training":
        return f"{bar} {state.stage}"
    return (
        f"{bar} {100 * state.share:.0f}%  step {step.step:,} of {step.steps:,}  loss {step.loss:.3f}  "
        f"{step.tokens_per_s:,.0f} tok/s  {clock(step.seconds_left)} left"
    )


def side_by_side(compared: list[Compared], width: int) -> Table:
    """Each opening by the base and by the tuned model: beside each other where there is room."""
    beside = width >= _SIDE_BY_SIDE
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0), show_header=beside, header_style="bold")
    for name in ("base", "tuned") if beside else ("",):
        table.add_column(name, ratio=1)
    for sample in compared:
        cells = [_continued(sample.prompt, text) for text in (sample.base, sample.tuned)]
        if beside:
            table.add_row(*cells)
        else:
            for name, cell in zip(("base: ", "tuned: "), cells, strict=True):
                table.add_row(Text.assemble((name, "bold"), cell))
        table.add_row("")
    return table


def _continued(prompt: str, text: str) -> Text:
    return Text.assemble((safe_block(prompt), "dim"), safe_block(text))
