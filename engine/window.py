"""How much of a text a model sees: which tokens are out of its sight, from the text's length and the settings alone.

Nothing here depends on how the text came to be so long, so a run that goes on, one that is played again and one that
was never interrupted see the same. No torch here: the screen reads it too.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import PromptError
from engine.events import Note
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Window:
    """A window of `size` tokens, at least two, over a text: what the model sees and the token that it adds.

    The first `head` tokens stay in it, what is out lies behind them. The oldest quarter goes at once. What is kept
    gets new positions and must be seen anew, so a token costs `size` / (`size` / 4) = 4 ids put through the model,
    however long the text is; all but one of them in the wide pass, which is cheap. Half at once would cost 2, but
    the model would have half its sight right after; now it never has less than three quarters.
    """

    size: int
    head: int = 0

    @property
    def most(self) -> int:
        """How many ids the model sees at most: there is room for the new one, or the mask that stands for it."""
        return self.size - 1

    @property
    def block(self) -> int:
        """How many tokens leave at once."""
        return max(1, self.size // 4)

    def out(self, length: int) -> int:
        """How many tokens of a text of this length are out of sight."""
        return -(-max(0, length - self.most) // self.block) * self.block

    def seen(self, length: int) -> tuple[slice, slice]:
        """Where what is seen of a text of this length lies: its head, and its newest part."""
        out = self.out(length)
        head = min(self.head, self.most - self.block) if out else 0
        return slice(0, head), slice(head + out, length)


def reach(settings: Settings, positions: int | None) -> int | None:
    """How many tokens fit, the new one counted, for a model of so many positions; None where there is no limit."""
    return min((size for size in (settings.context_window, positions) if size is not None), default=None)


def slides(settings: Settings) -> bool:
    """Whether the oldest text falls out of sight rather than that the run ends."""
    return settings.overflow == "slide"


def end(settings: Settings, positions: int | None) -> int | None:
    """The length at which a text ends because no more can be seen; None where it need not end."""
    return None if slides(settings) else reach(settings, positions)


def window(settings: Settings, positions: int | None, head: int) -> Window | None:
    """The window that slides over the text; None where nothing falls out of sight."""
    size = reach(settings, positions) if slides(settings) else None
    return None if size is None or size < 2 else Window(size, head)


def notes(settings: Settings, positions: int | None, prompt: int) -> tuple[Note, ...]:
    """What a prompt of so many tokens earns; `PromptError` where it is longer than what can be seen."""
    size = reach(settings, positions)
    if size is None:
        return ()
    told = _too_wide(settings, positions)
    left = size - prompt
    if slides(settings):
        return tuple(told)
    limit = f"the model takes {size}" if size == positions else f"the context window is {size}"
    if left < 0:
        way_on = f"shorten it by {-left}, or set overflow to slide"
        raise PromptError(f"the prompt is {prompt} tokens long and {limit}: {way_on}")
    if settings.max_new_tokens > left:
        text = f"{limit[0].upper()}{limit[1:]} tokens and the prompt has {prompt}, so at most {left} new ones fit."
        told.append(Note("info", "length-clipped", text))
    return tuple(told)


def full(size: int, positions: int | None) -> Note:
    """For a run that ended because no more can be seen."""
    what = f"All {size} positions of the model are" if size == positions else f"The context window of {size} tokens is"
    text = f"{what} full. With overflow slide it goes on: the oldest text falls out of the model's sight."
    return Note("info", "positions-full", text)


def slid(size: int, out: int) -> Note:
    """For the first time that text falls out of sight."""
    text = f"The text is longer than the {size} tokens that the model can see: the oldest {out} are out of its sight."
    return Note("info", "out-of-sight", text)


def _too_wide(settings: Settings, positions: int | None) -> list[Note]:
    wanted = settings.context_window
    if wanted is None or positions is None or wanted <= positions:
        return []
    text = f"The model has {positions} positions, so a context window of {wanted} tokens means {positions}."
    return [Note("info", "window-clipped", text)]
