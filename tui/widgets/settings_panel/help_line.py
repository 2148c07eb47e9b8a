"""The lines at the foot of the panel that say what the highlighted setting does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.content import Content
from textual.widget import Widget

from engine.safe_text import safe_text
from engine.settings.parameter import Parameter
from tui.widgets.settings_panel.fit import wrapped
from tui.widgets.settings_panel.row_cells import LIVE, NEXT_RUN

if TYPE_CHECKING:
    from engine.inspection import Effect

PANEL_HELP = (
    "All that can be turned, also in the middle of a run: ● obeys at the next token, ○ at the next run. A star "
    "stands where a value is not its default. A digit begins a new value; a click on a slider sets one, a "
    "double click types it. Help on a row begins with all there is to say about that setting."
)
FOLD_HELP = "The other settings, by group: enter opens and closes. A search goes through all of them."
EDITING_KEYS = "enter accepts · esc gives up"


def setting_facts(parameter: Parameter, *, running: bool) -> str:
    """Range, when a change acts, paper and default, in one line."""
    acts = f"{LIVE} next token" if parameter.live else f"{NEXT_RUN} next run"
    if running and not parameter.live:
        acts += ", this one keeps its value"
    unit = f" ({parameter.unit})" if parameter.unit else ""
    default: Any = parameter.format(parameter.default)
    facts = [parameter.bounds + unit, acts, parameter.paper, f"default {default}"]
    return safe_text(" · ".join(fact for fact in facts if fact))


def effect_text(effect: Effect) -> str:
    """What a setting does to the next token, in one line: ` river 12 → 31%`; of words first which tokens they are."""
    shifts = [f"{_mark(s.text)} {_percent(s.before)} → {_percent(s.after)}" for s in effect.shifts]
    if effect.left < effect.of:
        shifts.insert(0, f"{effect.left:,} of {effect.of:,} tokens left")
    does = "next token: " + (" · ".join(shifts) or "no difference as it stands")
    return safe_text(f"{effect.words} · {does}" if effect.words else does)


def _mark(text: str) -> str:
    return text.replace(" ", "␣")


def _percent(probability: float) -> str:
    return "0" if probability == 0 else f"{100 * probability:.2g}%"


class HelpLine(Widget):
    """What a setting does, then its facts, in a height that does not depend on the setting."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"help-line--what", "help-line--effect", "help-line--facts"}
    DEFAULT_CSS = """
    HelpLine {
        height: 4;
        padding: 0 1;
        border-top: solid $foreground 15%;
        &.-roomy { height: 6; }
        .help-line--what { color: $foreground 85%; }
        .help-line--effect { color: $primary; }
        .help-line--facts { color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._what = ""
        self._effect = ""
        self._facts = ""

    def say(self, what: str, facts: str, effect: str = "") -> None:
        """Show these; all are wrapped and cut to the height that there is."""
        if (what, effect, facts) != (self._what, self._effect, self._facts):
            self._what, self._effect, self._facts = what, effect, facts
            self.refresh()

    def lines(self) -> tuple[list[str], list[str], list[str]]:
        """The lines of what, effect and facts as they fit now; what is later has a line kept for it."""
        width, height = self.content_size
        later = bool(self._effect) + bool(self._facts)
        what = wrapped(self._what, width, height - later)
        effect = wrapped(self._effect, width, 1) if self._effect else []
        return what, effect, wrapped(self._facts, width, height - len(what) - len(effect))

    def render(self) -> Content:
        """The wrapped lines; plain content, so that no text is read as markup."""
        styles = [self.get_visual_style(f"help-line--{part}") for part in ("what", "effect", "facts")]
        parts = zip(self.lines(), styles, strict=True)
        return Content("\n").join([Content.styled(line, style) for lines, style in parts for line in lines])
