"""The snapshot of all settings, and what GenerationConfig's names mean in it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from transformers import GenerationConfig

from engine import SettingError, Settings
from engine.settings import PARAMETERS, parameter_named


def test_the_defaults_are_the_script_s() -> None:
    settings = Settings()
    assert (settings.strategy, settings.temperature, settings.top_k, settings.top_p) == ("sample", 1.0, 0, 0.9)
    assert (settings.max_new_tokens, settings.seed, settings.num_return_sequences) == (20, 42, 1)
    assert (settings.repetition_penalty, settings.stop_token, settings.prefix) == (1.0, "", "")


def test_a_snapshot_does_not_change() -> None:
    settings = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.temperature = 2.0  # type: ignore[misc]
    other = settings.changed(temperature=2, top_k=5)
    assert (settings.temperature, other.temperature, other.top_k) == (1.0, 2.0, 5)
    assert type(other.temperature) is float


def test_names_may_have_hyphens() -> None:
    hyphened: dict[str, Any] = {"top-k": 5, "max-new-tokens": 3}
    assert Settings().changed(**hyphened) == Settings(top_k=5, max_new_tokens=3)
    assert Settings.from_generation_config({"top-k": 5}).top_k == 5


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"temperature": 0}, "temperature 0: must be a number more than 0, at most 100"),
        ({"top_p": 1.5}, "top_p 1.5: must be a number at least 0, at most 1, or off"),
        ({"top_k": -1}, "top_k -1: must be a whole number at least 0, at most 1000000, or off"),
        ({"strategy": "beams"}, "strategy beams: must be one of greedy, sample"),
        ({"seed": 2**32}, "seed 4294967296: must be a whole number at least 0, at most 4294967295"),
        ({"temprature": 1}, "temprature: no such setting; did you mean temperature?"),
        ({"\x1b]0;x\n": 1}, "no such setting"),
    ],
)
def test_errors_are_one_line_with_name_value_and_bounds(names: dict[str, Any], said: str) -> None:
    for make in (Settings().changed, lambda **n: Settings.from_generation_config(n)):
        with pytest.raises(SettingError) as error:
            make(**names)
        assert said in str(error.value)
        assert str(error.value).isprintable()


def test_greedy_gives_one_sequence() -> None:
    with pytest.raises(SettingError, match="greedy decoding gives one sequence"):
        Settings(strategy="greedy", num_return_sequences=2)
    with pytest.raises(SettingError):
        Settings(num_return_sequences=2).changed(strategy="greedy")


def test_differences() -> None:
    one, other = Settings(), Settings(temperature=0.5, stop_strings=("a",))
    assert one.differences(other) == {"temperature": (1.0, 0.5), "stop_strings": ((), ("a",))}
    assert one.differences(Settings()) == {}


def test_a_run_obeys_the_live_ones_alone() -> None:
    run = Settings()
    wanted = Settings(temperature=0.5, seed=1, prefix="x", num_return_sequences=3, alternatives=4)
    assert run.obeying(wanted) == Settings(temperature=0.5, alternatives=4)
    assert run.obeying(Settings()) is run
    several = Settings(num_return_sequences=3)
    assert several.obeying(Settings(strategy="greedy", top_k=4)) == several.changed(top_k=4)
    assert run.obeying(Settings(strategy="greedy")) == Settings(strategy="greedy")
    fixed = {"seed", "num_return_sequences", "prefix", "xlm_language"}
    assert {name for name, p in PARAMETERS.items() if not p.live} == fixed


def test_end_ids() -> None:
    assert Settings().end_ids((7,)) == (7,)
    assert Settings(eos_token_id=()).end_ids((7,)) == ()
    assert Settings(eos_token_id=[1, 2]).end_ids((7,)) == (1, 2)  # type: ignore[arg-type]


def test_as_json_has_them() -> None:
    settings = Settings(stop_strings=("a", "b"), eos_token_id=(3,), temperature=0.3)
    told = settings.to_dict()
    assert list(told) == list(PARAMETERS)
    assert (told["stop_strings"], told["eos_token_id"], told["max_time"]) == (["a", "b"], [3], None)
    assert Settings(**told) == settings


def test_absent_names_have_the_library_s_defaults() -> None:
    greedy = Settings.from_generation_config({})
    assert (greedy.strategy, greedy.top_k, greedy.top_p, greedy.max_new_tokens) == ("greedy", 50, 1.0, 20)
    assert Settings.from_generation_config({"do_sample": True}).strategy == "sample"
    assert Settings.from_generation_config({"do_sample": True, "top_k": None}).top_k == 50
    defaults = GenerationConfig._get_default_generation_params()
    for name, parameter in PARAMETERS.items():
        # Their default length counts the prompt only where nothing else is said; here it is that of new tokens.
        if defaults.get(name) is not None and name != "max_length":
            assert parameter.upstream == defaults[name], name


def test_a_length_that_counts_the_prompt_stands_alone() -> None:
    settings = Settings.from_generation_config({"max_length": 30})
    assert (settings.max_length, settings.max_new_tokens) == (30, -1)
    assert Settings.from_generation_config({"max_new_tokens": 5}).max_length is None


def test_the_program_s_own_names_are_taken_too() -> None:
    settings = Settings.from_generation_config({"strategy": "sample", "seed": 7, "stop_token": "x", "eos_token_id": 3})
    assert (settings.strategy, settings.seed, settings.stop_token, settings.eos_token_id) == ("sample", 7, "x", (3,))


@pytest.mark.parametrize("config", [{"do_sample": "yes"}, {"do_sample": 1}, {"num_beams": 4}, {"top_k": -3}])
def test_what_is_not_there_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SettingError) as error:
        Settings.from_generation_config(config)
    assert next(iter(config)) in str(error.value)


def test_a_parameter_by_its_name() -> None:
    assert parameter_named("top-p") is PARAMETERS["top_p"] is parameter_named("top_p")
    with pytest.raises(SettingError, match="did you mean top_p"):
        parameter_named("topp")
