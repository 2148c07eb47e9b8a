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
    with pytest.raises(SettingError, match="greedy gives one sequence"):
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
    fixed = {"seed", "num_return_sequences", "prefix", "xlm_language", "forced_bos_token_id"}
    fixed |= {"num_beams", "num_beam_groups", "force_words_ids", "assistant_model", "assistant_early_exit"}
    fixed |= {"force_words", "constraints", "negative_prompt", "negative_prompt_ids", "negative_prompt_attention_mask"}
    fixed |= {"token_healing", "bos_token_id", "chat", "system_prompt"}
    fixed |= {name for name, p in PARAMETERS.items() if p.group in ("cache", "outputs", "no effect")}
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
            assert parameter.upstream == parameter.check(defaults[name]), name


def test_a_length_that_counts_the_prompt_stands_alone() -> None:
    settings = Settings.from_generation_config({"max_length": 30})
    assert (settings.max_length, settings.max_new_tokens) == (30, -1)
    assert Settings.from_generation_config({"max_new_tokens": 5}).max_length is None


def test_the_program_s_own_names_are_taken_too() -> None:
    settings = Settings.from_generation_config({"strategy": "sample", "seed": 7, "stop_token": "x", "eos_token_id": 3})
    assert (settings.strategy, settings.seed, settings.stop_token, settings.eos_token_id) == ("sample", 7, "x", (3,))


@pytest.mark.parametrize("config", [{"do_sample": "yes"}, {"do_sample": 1}, {"num_beams": 0}, {"top_k": -3}])
def test_what_is_not_there_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SettingError) as error:
        Settings.from_generation_config(config)
    assert next(iter(config)) in str(error.value)


def test_a_parameter_by_its_name() -> None:
    assert parameter_named("top-p") is PARAMETERS["top_p"] is parameter_named("top_p")
    with pytest.raises(SettingError, match="did you mean top_p"):
        parameter_named("topp")


@pytest.mark.parametrize(
    ("config", "strategy"),
    [
        ({"num_beams": 3}, "beam"),
        ({"num_beams": 3, "do_sample": True}, "beam-sample"),
        ({"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 0.5}, "diverse-beam"),
        ({"num_beams": 2, "force_words_ids": [[5]]}, "constrained-beam"),
        ({"penalty_alpha": 0.6, "top_k": 4}, "contrastive"),
        ({"penalty_alpha": 0.6, "top_k": 1}, "greedy"),
        ({"penalty_alpha": 0.6, "do_sample": True}, "sample"),
        ({"dola_layers": "low"}, "dola"),
        ({"dola_layers": [1, 2], "do_sample": True}, "dola"),
        ({"dola_layers": "low", "num_beams": 2}, "beam"),
        ({"num_beams": 1, "num_beam_groups": 1, "early_stopping": True}, "greedy"),
    ],
)
def test_the_strategy_follows_from_the_names(config: dict[str, Any], strategy: str) -> None:
    """As the library's own rule has it, asked in the same run."""
    assert Settings.from_generation_config(config).strategy == strategy
    mode = GenerationConfig(**config).get_generation_mode().value
    theirs = {"diverse-beam": "group_beam_search", "constrained-beam": "constrained_beam_search"}
    theirs |= {"beam-sample": "beam_sample", "dola": "dola_generation", "sample": "sample"}
    assert mode == theirs.get(strategy, f"{strategy}_search")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"strategy": "diverse-beam", "num_beams": 5}, "num_beam_groups 2: must divide the 5 beams"),
        (
            {"strategy": "diverse-beam", "diversity_penalty": 0},
            "diversity_penalty 0: the groups would",
        ),
        ({"strategy": "diverse-beam", "num_beam_groups": 1}, "needs at least 2 groups"),
        ({"strategy": "beam", "num_return_sequences": 9}, "num_return_sequences 9: there are 4 beams"),
        ({"strategy": "constrained-beam"}, "no words are forced"),
        ({"strategy": "constrained-beam", "force_words_ids": [[3]], "num_beams": 1}, "at least 2 beams"),
        ({"strategy": "dola", "dola_layers": None}, "dola_layers off"),
        ({"force_words_ids": [[[5], [5, 6]]]}, "force_words_ids [[[5], [5, 6]]]: must be a list of phrases"),
        ({"force_words_ids": [5]}, "force_words_ids [5]: must be"),
        ({"dola_layers": "middle"}, "dola_layers middle: must be low, high or a list of layers"),
    ],
)
def test_what_does_not_go_together_is_told(names: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as error:
        Settings(**names)
    assert said in str(error.value) and str(error.value).isprintable()


def test_what_has_no_effect_is_known() -> None:
    quiet = Settings(strategy="greedy", temperature=0.5, num_beams=7, repetition_penalty=1.2)
    assert [parameter.name for parameter in quiet.without_effect()] == ["temperature", "num_beams"]
    assert Settings().without_effect() == []
    assert Settings.from_generation_config({}).without_effect() == []


def test_a_run_changes_its_strategy_only_to_one_of_its_kind() -> None:
    run = Settings(strategy="beam")
    assert run.obeying(Settings(strategy="beam-sample", length_penalty=2)).strategy == "beam-sample"
    assert run.obeying(Settings(strategy="greedy", length_penalty=2)) == run.changed(length_penalty=2)
