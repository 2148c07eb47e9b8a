"""Beams, forced words, contrastive search and DoLa against what old releases computed, for every family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine import SettingError, Settings
from engine.events import Beams, Failed, Finished, Noted, Token
from tests.golden.cases import CHECKPOINTS, cases, new_ids, prompt_ids, score, settings_of
from tests.models import by_library, end, generated, golden_model, ids, play
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


LATER: list[tuple[str, str, dict[str, Any], list[list[int]]]] = [
    # A group that is done says the padding, here 2, which no other group wants to say.
    (
        "xlm-noncausal",
        "p2",
        {"num_beam_groups": 3, "diversity_penalty": 3.0, "eos_token_id": 383, "max_new_tokens": 8},
        [[319, 346, 158, 410, 383], [244, 346, 342, 410, 137, 383], [410, 137, 409, 384, 244, 235, 216, 383]],
    ),
    # A group that ends with the last token it may have leaves its running beams out.
    (
        "llama",
        "p0",
        {"num_beam_groups": 3, "diversity_penalty": 0.3, "eos_token_id": [466, 475, 198], "early_stopping": True},
        [
            [211, 392, 345, 234, 302, 147, 147, 418, 120, 313, 104, 43, 326, 234, 404, 24],
            [211, 392, 345, 234, 302, 147, 147, 418, 120, 265],
            [211, 350, 365, 282, 147, 441, 169, 83, 40, 238, 94, 194, 29, 268, 89],
        ],
    ),
]


@pytest.mark.parametrize(("name", "prompt", "names", "wanted"), LATER)
def test_groups_end_as_they_did(name: str, prompt: str, names: dict[str, Any], wanted: list[list[int]]) -> None:
    """Computed with 4.53.3 as the reference was, but that it names the first end token whichever came."""
    case = {"generate_kwargs": {"num_beams": 6, "num_return_sequences": 3, "max_new_tokens": 16, **names}}
    case["prompt_id"] = prompt
    found = end(play(golden_model(name), prompt_ids(name, case), settings_of(name, case))).sequences
    ends = names["eos_token_id"] if isinstance(names["eos_token_id"], list) else []
    assert [[i for i in sequence.token_ids if i not in ends] for sequence in found] == wanted


@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if not name.startswith("transfo")])
@pytest.mark.parametrize("drawn", [False, True])
def test_finished_beams_score_as_the_library_s(name: str, drawn: bool) -> None:
    """Sequences, their scores and those of each token, by today's release in this run, with ends and processors."""
    model, prompt = golden_model(name), {"prompt_id": "p1"}
    given = prompt_ids(name, prompt)
    plain = ids(play(model, given, Settings(strategy="greedy", max_new_tokens=12, xlm_language="en")))
    options: dict[str, Any] = {"num_beams": 4, "max_new_tokens": 12, "do_sample": drawn, "length_penalty": 0.7}
    options |= {"eos_token_id": [plain[3], plain[7]], "repetition_penalty": 1.2, "sequence_bias": [[[plain[2]], 1.5]]}
    options |= {"top_k": 20, "temperature": 0.8} if drawn else {"num_return_sequences": 4}
    settings = Settings.from_generation_config(options | {"seed": 3, "xlm_language": "en"})
    found = end(play(model, given, settings)).sequences
    torch.manual_seed(3)
    output = generated(model, given, return_dict_in_generate=True, output_scores=True, **options)
    scores = model.model.compute_transition_scores(output.sequences, output.scores, output.beam_indices)
    for sequence, whole, total, each in zip(found, output.sequences, output.sequences_scores, scores, strict=True):
        length = len(sequence.token_ids)
        assert list(sequence.token_ids) == whole[len(given) :][:length].tolist()
        assert sequence.score == pytest.approx(float(total), abs=1e-3)
        np.testing.assert_allclose(sequence.logprobs, each[:length], atol=1e-3)


def test_the_reference_is_really_compared() -> None:
    counts = {group: len(reference(group)) for group in GROUPS}
    assert counts["plain"] >= 250 and counts["beam"] >= 28 and counts["transition"] >= 6
    assert counts["group_beam"] >= 75 and counts["constrained"] >= 90
    assert counts["dola"] >= 90 and counts["contrastive"] >= 26
    assert torch.get_num_threads() == 1
