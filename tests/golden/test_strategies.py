"""Beams, forced words, contrastive search and DoLa against what old releases computed, for every family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine import SettingError, Settings
from engine.events import Beams, Failed, Finished, Noted, Token
from tests.golden.cases import CHECKPOINTS, cases, new_ids, prompt_ids, score, settings_of
from tests.models import by_library, end, golden_model, play
from tests.paths import golden_cases, needs_golden

pytestmark = needs_golden
GROUPS = ("plain", "beam", "group_beam", "constrained", "contrastive", "dola", "transition")
# Old releases could not run them: no cache to go back in, or no layer to read. What they lacked is not lacked here.
_NO_CACHE = ("openai-gpt", "xlnet", "xlm", "xlm-noncausal", "transfo-xl", "transfo-xl-div4")
ONCE_REFUSED = {name: {"contrastive"} for name in _NO_CACHE}


def tolerance(name: str) -> float:
    return 5e-3 if name.startswith("transfo") else 1e-3


def reference(*groups: str) -> list[Any]:
    """The cases that an old release ran, or refused for a reason that still holds."""
    found = []
    for param in cases(*groups):
        name, case = param.values
        if not ("error" in case and case["group"] in ONCE_REFUSED.get(name, ())):
            found.append(param)
    return found


@pytest.mark.parametrize(("name", "case"), reference(*GROUPS))
def test_a_case_gives_the_same_tokens_and_scores(name: str, case: dict[str, Any]) -> None:
    settings, given = settings_of(name, case), prompt_ids(name, case)
    model = golden_model(name)
    model.runner.reset()
    events = play(model, given, settings)
    if "error" in case:
        assert isinstance(events[-1], Failed) and "\n" not in events[-1].error
        return
    found = end(events).sequences
    if case["group"] != "dola" or not settings.draws:  # drawn on another release of torch it may differ
        assert [list(s.token_ids) for s in found] == new_ids(case, [len(s.token_ids) for s in found])
    for sequence, wanted in zip(found, case.get("sequences_scores", ()), strict=False):
        assert sequence.score is not None
        own = score(case, sequence.score, len(given), len(sequence.token_ids), settings)
        assert own == pytest.approx(wanted, abs=tolerance(name))
    for sequence, wanted in zip(found, case.get("transition_scores", ()), strict=False):
        length = len(sequence.token_ids)
        if "beam" in case["id"]:  # greedy cases have the logits there, not log-probabilities
            np.testing.assert_allclose(sequence.logprobs, [float(x) for x in wanted[:length]], atol=tolerance(name))
    for sequence in found:
        told = [event for event in events if isinstance(event, Token) and event.sequence == found.index(sequence)]
        assert [event.id for event in told] == list(sequence.token_ids) or len(found) > 1


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_what_was_told_of_the_beams_is_never_taken_back(name: str) -> None:
    settings = Settings(strategy="beam", num_beams=5, num_return_sequences=3, max_new_tokens=20, xlm_language="en")
    events = play(golden_model(name), "The old lighthouse keeper", settings)
    for number, sequence in enumerate(end(events).sequences):
        told = [event.id for event in events if isinstance(event, Token) and event.sequence == number]
        assert told == list(sequence.token_ids)
    settled = [event.settled for event in events if isinstance(event, Beams)]
    assert settled == sorted(settled) and len(settled) == 20
    scores = [sequence.score or 0 for sequence in end(events).sequences]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_drawn_beams_are_the_library_s_at_the_same_seed(name: str) -> None:
    """By today's release in this run: the older ones weighed beams otherwise where they drew them."""
    case = next(case for case in golden_cases(name)["cases"] if case["id"] == "p0.beam_sample3")
    model = golden_model(name)
    model.runner.reset()
    settings = settings_of(name, case).changed(max_new_tokens=12)
    assert settings.strategy == "beam-sample"
    options = {**case["generate_kwargs"], "max_new_tokens": 12}
    model.family.set_up(model, settings)
    given = prompt_ids(name, case)
    found = end(play(model, given, settings)).sequences[0].token_ids
    wanted = by_library(model, given, settings.seed, **options)
    assert list(found) == wanted[: len(found)] and len(set(wanted[len(found) :])) <= 1


@pytest.mark.parametrize(("name", "case"), cases("argument_checks"))
def test_what_was_refused_is_refused(name: str, case: dict[str, Any]) -> None:
    try:
        settings = settings_of(name, case)
    except SettingError as error:
        assert "error" in case and "\n" not in str(error)
        return
    events = play(golden_model(name), prompt_ids(name, case), settings)
    assert isinstance(events[-1], Failed if "error" in case else Finished)
    if "sequences" in case:
        assert [list(s.token_ids) for s in end(events).sequences] == case["new_ids"]


def test_a_forced_word_that_found_no_room_is_noted() -> None:
    case = next(case for case in golden_cases("ctrl")["cases"] if case["id"] == "p0.constrained_phrase")
    events = play(golden_model("ctrl"), prompt_ids("ctrl", case), settings_of("ctrl", case))
    assert [event.note.code for event in events if isinstance(event, Noted)] == ["forced-word-missing"] * 2


def test_the_reference_is_really_compared() -> None:
    counts = {group: len(reference(group)) for group in GROUPS}
    assert counts["plain"] >= 250 and counts["beam"] >= 28 and counts["transition"] >= 6
    assert counts["group_beam"] >= 75 and counts["constrained"] >= 90
    assert counts["dola"] >= 90 and counts["contrastive"] >= 40
    assert torch.get_num_threads() == 1
