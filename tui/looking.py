"""Which step the lens looks into, as things stand in a session. No widgets here."""

from __future__ import annotations

from typing import NamedTuple

from tui.jobs import LookJob
from tui.session import Session
from tui.steps import written_before


class Look(NamedTuple):
    """What to look into, and what stands over it."""

    title: str
    job: LookJob


def look(session: Session, sequence: int, step: int | None, prompt: str, number: int) -> Look | None:
    """The step under the token cursor, else the one that is to come; None where there is nothing to look into, or where
    a run tells it by itself.
    """
    steps = session.steps(sequence)
    if step is not None and step < len(steps):
        here = steps[step]
        before = written_before(steps, step)
        job = LookJob(number, here.origin.ids, before, here.settings, here.token.id)
        return Look(f"Token {step + 1:,}", job)
    if session.controls is not None:
        held = session.held(sequence)
        return Look("Next token", LookJob(number, *held)) if held and session.controls.paused else None
    if session.can_go_on(sequence):
        written = session.sequences[sequence]
        start = list(written.ids) or session.writing.prompt + written.text
        return Look("Next token", LookJob(number, start, (), session.settings))
    return Look("Next token", LookJob(number, prompt, (), session.settings)) if prompt else None
