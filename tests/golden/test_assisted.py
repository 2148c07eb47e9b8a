"""Assisted decoding against what old releases computed; where they refused, for lack of a cache, against greedy."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Settings
from engine.events import Drafted
from tests.golden.cases import CHECKPOINTS, cases, prompt_ids
from tests.models import golden_model, ids, play
from tests.paths import GOLDEN, golden_cases, needs_golden

pytestmark = needs_golden
# What these make of a text does not depend on how much of it was the prompt.
ALIKE = ("llama", "openai-gpt", "ctrl", "xlm", "xlm-noncausal")


def settings_of(name: str, case: dict[str, Any]) -> Settings:
    options = dict(case["generate_kwargs"])
    assistant = options.pop("assistant", None)
    if assistant:
        options |= {"assistant_model": golden_model(name).source, "num_assistant_tokens": 4}
        if assistant != "itself":
            options["assistant_model"] = str(GOLDEN / assistant)
    prompts = {prompt["id"]: prompt for prompt in golden_cases(name)["prompts"]}
    language = prompts[case["prompt_id"]].get("xlm_language") or ""
    return Settings.from_generation_config(options | {"xlm_language": language})


@pytest.mark.parametrize(("name", "case"), cases("assisted"))
def test_a_case_gives_the_same_tokens(name: str, case: dict[str, Any]) -> None:
    model, settings = golden_model(name), settings_of(name, case)
    assert settings.strategy == "assisted" and not settings.draws
    model.runner.reset()
    events = play(model, prompt_ids(name, case), settings)
    wanted = case.get("new_ids") or [ids(play(model, prompt_ids(name, case), settings.changed(strategy="greedy")))]
    assert ids(events) == wanted[0]
    drafted = [event for event in events if isinstance(event, Drafted)]
    if case["generate_kwargs"].get("assistant") == "itself" and name in ALIKE:
        assert drafted and sum(event.accepted for event in drafted) >= 0.9 * sum(len(e.ids) for e in drafted)


def test_the_reference_is_really_compared() -> None:
    assert {param.values[0] for param in cases("assisted")} == set(CHECKPOINTS)
    assert sum("new_ids" in param.values[1] for param in cases("assisted")) >= 14
