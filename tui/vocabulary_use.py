"""What can be done with tokens that a search of the vocabulary has found: settings that they go into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.errors import SettingError
from engine.settings import Settings
from tui.widgets.counts import plural


class Use(NamedTuple):
    """A use by its key: what the screen says of it in a word, and in a sentence."""

    key: str
    label: str
    help: str


USES = {
    "copy": Use("f6", "copy", "Copy the ids of what was found."),
    "ban": Use("f7", "ban", "What was found does not come any more (suppress_tokens)."),
    "only": Use("f8", "ban others", "Nothing comes but what was found."),
    "bias": Use("f9", "bias", "Add a number to the logits of what was found (sequence_bias)."),
    "free": Use("alt+u", "free", "What was found is neither banned nor biased any more."),
}


def used(name: str, ids: Sequence[int], settings: Settings, size: int, amount: str) -> tuple[dict[str, Any], str]:
    """The settings that a use of these ids changes, in a vocabulary of so many, and what to say of it.

    Raises `SettingError` for an amount that is no number.
    """
    banned, chosen = set(settings.suppress_tokens), set(ids)
    biases = dict(settings.sequence_bias or ())
    told = plural(len(ids), "token")
    if name == "ban":
        if len(banned | chosen) >= size:
            raise SettingError("that would leave no token to come: search for fewer")
        return {"suppress_tokens": tuple(sorted(banned | chosen))}, f"{told} will not come; free takes that back."
    if name == "only":
        others = tuple(token for token in range(size) if token not in chosen)
        return {"suppress_tokens": others}, f"Nothing but {told} will come; free takes that back."
    if name == "bias":
        try:
            value = float(amount)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise SettingError(f"bias {amount:.20}: must be a number")
        biases |= {(token,): value for token in ids}
        return {"sequence_bias": tuple(biases.items())}, f"{told}: {value:+g} on the logit."
    left = {phrase: value for phrase, value in biases.items() if len(phrase) != 1 or phrase[0] not in chosen}
    changes = {"suppress_tokens": tuple(sorted(banned - chosen)), "sequence_bias": tuple(left.items()) or None}
    return changes, f"{told}: neither banned nor biased."
