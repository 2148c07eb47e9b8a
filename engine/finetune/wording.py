"""Events of a fine-tuning as lines for people. What is in them is as it is: who shows it makes it safe."""

from __future__ import annotations

from engine.events import Progress
from engine.finetune.events import (
    Compared,
    Evaluated,
    Event,
    Failed,
    Finished,
    Left,
    Sampled,
    Saved,
    Started,
    Step,
)


def line(event: Event) -> str:
    """What is to be said of an event; empty where nothing is."""
    match event:
        case Progress(stage, done, total):
            return f"{stage}{f' {100 * done // total}%' if total else ''}"
        case Started():
            return f"{started(event)}\nheld-out loss before: {event.base_loss:.3f}"
        case Step():
            return (
                f"step {event.step:,} of {event.steps:,}  loss {event.loss:.3f}  "
                f"{event.tokens_per_s:,.0f} tokens/s  {clock(event.seconds_left)} left"
            )
        case Evaluated(step, loss, perplexity, best):
            return (
                f"step {step:,}: held-out loss {loss:.3f}, perplexity {perplexity:,.1f}{', the best' if best else ''}"
            )
        case Sampled(step, prompt, text):
            return f"  “{flat(prompt + text)}”"
        case Saved():
            return ""
        case Compared(prompt, base, tuned):
            return f"\n{prompt} …\n  base:  {flat(base)}\n  tuned: {flat(tuned)}"
        case Finished():
            return f"\n{finished(event)}\n{event.folder}"
        case Left(folder, step):
            return f"left after step {step:,}; it goes on with: textgen-tui finetune --resume {folder}"
        case Failed(error, folder):
            return f"{error}{f'; it goes on with: textgen-tui finetune --resume {folder}' if folder else ''}"
    return ""


def started(event: Started) -> str:
    """What is learned, from what, in one line."""
    begun = f"from step {event.step:,} on, " if event.step else ""
    whole = event.trainable >= event.parameters
    what = "parameters" if whole else f"parameters of a LoRA beside {event.parameters:,}"
    return (
        f"{event.model}: {event.trainable:,} {what} learn {begun}"
        f"{event.steps:,} steps from {event.tokens:,} tokens: {event.blocks:,} blocks, "
        f"{event.held_out:,} more held out; learning rate {event.settings.get('learning_rate', 0):g}"
    )


def finished(event: Finished) -> str:
    """What came of it, in one line."""
    what = "the adapter" if event.adapter else "the model"
    why = f"; {event.why}" if event.why else ""
    return (
        f"held-out loss {event.base_loss:.3f} before, {event.held_out_loss:.3f} after: {what} of step {event.step:,}"
        f" of {event.done:,}{why}"
    )


def clock(seconds: float) -> str:
    """Seconds as people read them: `4:05`, `1:04:05`."""
    if not 0 <= seconds < 1e9:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def flat(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
