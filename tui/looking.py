"""Which step the lens looks into, as things stand in a session. No widgets here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.events import Begun, Prepared
from engine.settings import Settings
from tui.jobs import LookJob
from tui.session import Session
from tui.steps import Step, form_began, own_before


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
        return Look(
            f"Token {step + 1:,}", _job(number, here.origin.ready, own_before(steps, step), here.settings, here)
        )
    if session.controls is not None:
        held = session.held(sequence)
        return Look("Next token", _job(number, *held)) if held and session.controls.paused else None
    if session.can_go_on(sequence):
        written = session.sequences[sequence]
        text = session.writing.prompt + written.text
        start = Prepared(text, written.ids) if written.ids else Begun(session.writing.prompt, written.text)
        return Look("Next token", LookJob(number, start, (), session.settings))
    return Look("Next token", LookJob(number, prompt, (), session.settings)) if prompt else None


def _job(number: int, ready: Prepared, own: Sequence[Step], settings: Settings, here: Step | None = None) -> LookJob:
    """The step after these of its own run."""
    written = [step.token.id for step in own]
    return LookJob(number, ready, written, settings, here.token.id if here else None, form_began(own, settings))
