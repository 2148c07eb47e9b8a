"""The reference cases: which there are, what each was given, what is to come of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Settings
from tests.paths import golden_cases

CHECKPOINTS = (
    "gpt2",
    "llama",
    "openai-gpt",
    "ctrl",
    "xlnet",
    "xlm",
    "xlm-noncausal",
    "transfo-xl",
    "transfo-xl-div4",
)


def cases(*groups: str) -> list[Any]:
    """(checkpoint, case) for each case of these groups that is about one prompt and the model as it is."""
    found = [
        (name, case)
        for name in CHECKPOINTS
        for case in golden_cases(name)["cases"]
        if case["group"] in groups and not case.keys() & {"config_overrides", "batch_input_ids"}
    ]
    return [pytest.param(*pair, id=f"{pair[0]}-{pair[1]['id']}") for pair in found]


def prompt_ids(name: str, case: dict[str, Any]) -> list[int]:
    """What the case was given."""
    prompts = {prompt["id"]: prompt for prompt in golden_cases(name)["prompts"]}
    found: list[int] = prompts[case["prompt_id"]]["input_ids"]
    return found


def settings_of(name: str, case: dict[str, Any]) -> Settings:
    """The case's settings, by the names that it was given; raises `SettingError` where they are refused."""
    prompts = {prompt["id"]: prompt for prompt in golden_cases(name)["prompts"]}
    language = case.get("xlm_language") or prompts[case["prompt_id"]].get("xlm_language") or ""
    more = {"seed": case.get("seed", 42), "xlm_language": language}
    return Settings.from_generation_config(case["generate_kwargs"] | more)


def new_ids(case: dict[str, Any], lengths: list[int]) -> list[list[int]]:
    """The new ids of each sequence without what fills them up to the longest, where they are to have these lengths."""
    found = []
    for ids, length in zip(case["new_ids"], lengths, strict=True):
        filling = ids[length:]
        found.append(ids[:length] if len(set(filling)) <= 1 else ids)
    return found


def score(case: dict[str, Any], value: float, prompt: int, new: int, settings: Settings) -> float:
    """A sequence's score by the rule of the release that the case is from: the older ones counted the prompt in."""
    if not case["release"].startswith(("4.30", "4.35")):
        return value
    return value * (new / (prompt + new)) ** settings.length_penalty
