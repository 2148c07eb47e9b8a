"""What a session asks of the lens for one of its steps is what that step's own run weighed."""

from __future__ import annotations

from typing import Any

import pytest

import engine
from engine import Controls, Settings
from engine.events import Looked
from engine.looking import look
from engine.models.loaded import LoadedModel
from engine.weighing import Weighing
from tui.jobs import RunJob
from tui.looking import look as look_into
from tui.session import Session

PROMPT = "The old keeper of the li"
FORM = {"form_regex": "[a-zA-Z ]{200,}"}


@pytest.fixture(scope="module")
def own() -> LoadedModel:
    """The model that comes with the program, which knows words."""
    return engine.load(None, device="cpu")


def run(model: LoadedModel, session: Session, job: RunJob, changes: dict[int, dict[str, Any]]) -> list[Weighing]:
    """Do a job, with changes that a person makes before those tokens; what it weighed for each token."""
    told, controls = [], Controls(schedule=changes)
    controls.looking = 0
    for event in engine.generate(model, job.prompt, job.settings, controls, drawn=job.drawn, text=job.shown_prompt):
        session.hear(event)
        if isinstance(event, Looked):
            told.append(event.weighing)
            controls.looking = 0
    return told


@pytest.mark.parametrize(
    ("settings", "changes", "stage"),
    [
        ({"token_healing": True}, {}, "token_healing"),
        ({}, {3: FORM}, "form"),
        ({}, {2: FORM, 4: {"form_regex": ""}, 5: FORM}, "form"),
    ],
    ids=["healed", "a form from the middle on", "a form that began twice"],
)
def test_a_step_of_a_run_and_of_one_that_goes_on(
    own: LoadedModel, settings: dict[str, Any], changes: dict[int, dict[str, Any]], stage: str
) -> None:
    session = Session(Settings(max_new_tokens=8, seed=3, eos_token_id=(), **settings))
    weighings = run(own, session, session.begin(PROMPT), changes)
    weighings += run(own, session, session.go_on(0), {})
    assert len(weighings) == 16 and any(stage in [each.name for each in told.stages] for told in weighings)
    for number, told in enumerate(weighings):
        wanted = look_into(session, 0, number, "", 1)
        assert wanted is not None
        job = wanted.job
        found = look(own, job.prompt, job.written, job.settings, chosen=job.chosen, form_at=job.form_at)
        assert found.chosen == told.chosen
        assert [(each.name, each.left) for each in found.stages] == [(each.name, each.left) for each in told.stages]
        for one, other in zip(found.stages, told.stages, strict=True):
            assert one.probability == pytest.approx(other.probability, abs=1e-4)
