"""The lines at the foot of the panel that say what the highlighted setting does."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.content import Content
from textual.widget import Widget

from engine.safe_text import safe_text
from engine.settings.parameter import Parameter
from tui.widgets.settings_panel.fit import wrapped
from tui.widgets.settings_panel.row_cells import LIVE, NEXT_RUN

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


class HelpLine(Widget):
    """What a setting does, then its facts, in a height that does not depend on the setting."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"help-line--what", "help-line--facts"}
    DEFAULT_CSS = """
    HelpLine {
        height: 4;
        padding: 0 1;
        border-top: solid $foreground 15%;
        &.-roomy { height: 6; }
        .help-line--what { color: $foreground 85%; }
        .help-line--facts { color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._what = ""
        self._facts = ""

    def say(self, what: str, facts: str) -> None:
        """Show these; both are wrapped and cut to the height that there is."""
        if (what, facts) != (self._what, self._facts):
            self._what, self._facts = what, facts
            self.refresh()

    def lines(self) -> tuple[list[str], list[str]]:
        """The lines of both parts as they fit now; one line is always kept for the facts."""
        width, height = self.content_size
        what = wrapped(self._what, width, height - 1 if self._facts else height)
        return what, wrapped(self._facts, width, height - len(what))

    def render(self) -> Content:
        """The wrapped lines; plain content, so that no text is read as markup."""
        what, facts = self.lines()
        styles = [self.get_visual_style(f"help-line--{part}") for part in ("what", "facts")]
        told = [Content.styled(line, styles[0]) for line in what]
        told += [Content.styled(line, styles[1]) for line in facts]
        return Content("\n").join(told)
