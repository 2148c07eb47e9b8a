"""Tokens measured afterwards have the numbers that a measured run tells, whatever the model was made to see."""

from __future__ import annotations

import pytest

import engine
from engine import Controls
from engine.events import Numbers, Token
from engine.measuring import measure
from engine.models.loaded import LoadedModel
from engine.settings import Settings
from tests.engine.test_looking import BASE, WAYS
from tests.models import PROMPT, tiny_gpt2, tiny_mistral


def told(model: LoadedModel, settings: Settings) -> list[Token]:
    controls = Controls()
    controls.measuring = True
    return [event for event in engine.generate(model, PROMPT, settings, controls) if isinstance(event, Token)]


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("make", [tiny_gpt2, tiny_mistral], ids=["gpt2", "mistral"])
def test_it_is_what_the_run_told(make: object, settings: Settings) -> None:
    model: LoadedModel = make()  # type: ignore[operator]
    tokens = told(model, settings)
    written = [token.id for token in tokens]
    for first in (0, 5, len(written) - 1):
        found = [numbers for part in measure(model, PROMPT, written, settings, first) for numbers in part]
        assert len(found) == len(written) - first
        for numbers, token in zip(found, tokens[first:], strict=True):
            assert token.numbers is not None and close(numbers, token.numbers)
    assert not list(measure(model, PROMPT, written, settings, len(written)))


def close(one: Numbers, other: Numbers) -> bool:
    return one.rank == other.rank and (one.logprob, one.entropy) == pytest.approx(
        (other.logprob, other.entropy), abs=2e-4
    )


def test_it_can_be_broken_off_and_gone_on_with_and_no_run_notices() -> None:
    model = tiny_gpt2()
    alone = told(model, BASE)
    model.runner.reset()
    measured: list[Numbers] = []
    written = [token.id for token in alone]
    for event in engine.generate(model, PROMPT, BASE):
        if isinstance(event, Token):
            assert event.id == written[event.index]
            measured += next(measure(model, PROMPT, written, BASE, event.index))[:1]
    assert all(close(one, token.numbers) for one, token in zip(measured, alone, strict=True) if token.numbers)
