"""All that there is to say about one setting."""

from __future__ import annotations

from engine.safe_text import safe_text
from engine.settings import Settings
from engine.settings.parameter import Parameter
from tui.actions import Actions
from tui.help.section import Row, Section
from tui.widgets.settings_panel.row_cells import LIVE, NEXT_RUN


def setting_section(parameter: Parameter, settings: Settings, actions: Actions, effect: str = "") -> Section:
    """What it does, when, under what, what it takes, is and was, and what it does to the next token now."""
    value, hints = getattr(settings, parameter.name), actions.key_hints()
    facts = {
        "": parameter.help,
        "just now": effect,
        "acts": f"{LIVE} from the next token on, also in the middle of a run"
        if parameter.live
        else f"{NEXT_RUN} from the next run on; one that is under way keeps its value",
        "under": f"the strateg{'y' if len(parameter.under) == 1 else 'ies'} {', '.join(parameter.under)}"
        if parameter.under
        else "every strategy",
        "takes": parameter.bounds + (f" ({parameter.unit})" if parameter.unit else ""),
        "is": parameter.format(value) or "empty",
        "default": parameter.format(parameter.default) or "empty",
        "keys": hints.get(parameter.name, ""),
        "flags": " ".join(f"--{flag.removeprefix('--')}" for flag in (parameter.name, *parameter.flags)),
        "paper": parameter.paper,
    }
    rows = tuple(Row(name, safe_text(text)) for name, text in facts.items() if text)
    return Section(parameter.title, rows, whole=True)
