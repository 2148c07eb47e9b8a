"""A branch in words: its line in the tree, and what there is to say of it. Text is untrusted and made safe."""

from __future__ import annotations

from textual.content import Content

from engine.safe_text import safe_text
from tui.branches import Branch, Place
from tui.widgets.counts import plural
from tui.widgets.settings_panel.fit import fit, wrapped
from tui.writing import ENDINGS

_SHOWN = 400  # characters: more than a line has room for
_ROOMY = 64


def heading(place: Place, several: bool, width: int) -> Content:
    """What the branches below it go on from."""
    sequence = f" · sequence {place.sequence + 1}" if several else ""
    told = fit(safe_text(place.prompt[:_SHOWN]) or "(no prompt)", max(8, width - len(sequence))).rstrip()
    return Content.assemble((told, "bold $primary"), (sequence, "$text-muted"))


def line(stem: str, number: str, signs: str, name: str, branch: Branch, width: int) -> Content:
    """The branch in one line: how it begins where it parts, how long it is, what is other about it."""
    told = plural(len(branch.text), "character") if width >= _ROOMY else f"{len(branch.text):,}"
    ending = ENDINGS[branch.written.ending] if width >= _ROOMY else ""
    right = " · ".join(filter(None, (fit(branch.differing, 32).rstrip() if width > 100 else "", told, ending)))
    begun = safe_text(branch.text[branch.parted : branch.parted + _SHOWN]) or "(nothing)"
    called = f"{safe_text(name)} " if name else ""
    left = f"{stem}{number} {signs} "
    room = max(4, width - len(right) - 2)
    text = fit(left + called + ("…" if branch.parted else "") + begun, room)
    split, end = len(left), len(left) + len(called)
    return Content.assemble(
        (text[:split], "$text-muted"), (text[split:end], "bold $text-accent"), text[end:], (f"  {right}", "$text-muted")
    )


def details(branch: Branch, left: int | None, name: str, width: int) -> list[Content]:
    """What does not fit there, in three lines of so many cells; `left` is the number of the one that it left."""
    written = branch.written
    first = [
        f"parts from {left} {f'at {branch.parted:,}' if branch.parted else 'at once'}" if left else "the first here",
        f"seed {branch.seed}",
        plural(len(branch.text), "character"),
        plural(written.tokens, "token"),
        ENDINGS[written.ending],
    ]
    others = f"as branch {left}" if left else "the defaults"
    settings = branch.differing or f"the settings are {others}"
    second = ("begun by hand · " if branch.by_hand else "") + settings
    own = " ".join(safe_text(branch.text[branch.parted : branch.parted + _SHOWN]).split())
    lines = [(" · ".join(filter(None, first)), "$text"), (second, "$text-accent"), (own, "$text-muted")]
    return [Content.styled(cut, style) for text, style in lines for cut in wrapped(text, width, 1)]
