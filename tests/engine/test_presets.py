"""Presets: what they set and what they leave, kept in a file and given to others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError, SettingError
from engine.presets import (
    BUILT_IN,
    DECODING,
    DIGITS,
    NEUTRAL,
    Preset,
    Shelf,
    from_generation_config,
    to_generation_config,
)
from engine.settings import PARAMETERS, Settings

OTHERS = {
    "seed": 7,
    "num_return_sequences": 2,
    "max_new_tokens": 33,
    "min_new_tokens": 4,
    "max_time": 5.0,
    "stop_token": "end",
    "stop_strings": ("a", "b"),
    "eos_token_id": (1, 2),
    "prefix": "before",
    "xlm_language": "en",
    "alternatives": 3,
    "suppress_tokens": (5,),
    "bad_words_ids": ((7, 8),),
}


def test_a_preset_leaves_alone_what_a_text_is_about_and_how_far_it_goes() -> None:
    assert not set(OTHERS) & set(DECODING)
    before = Settings(**OTHERS, temperature=0.3, top_k=9, repetition_penalty=1.3)
    for digit, preset in BUILT_IN.items():
        if preset.values["strategy"] == "greedy":
            continue
        after = preset.applied(before)
        assert {name: getattr(after, name) for name in OTHERS} == OTHERS, digit
        for name in DECODING:
            assert getattr(after, name) == preset.differences.get(name, PARAMETERS[name].default), (digit, name)
        assert preset.is_in_force(after) and not preset.is_in_force(after.changed(temperature=0.123))


def test_the_presets_that_come_with_the_program_differ_and_neutral_bends_nothing() -> None:
    assert sorted(BUILT_IN) == list(DIGITS)
    assert len({tuple(sorted(preset.values.items())) for preset in BUILT_IN.values()}) == 9
    neutral = NEUTRAL.applied(Settings(temperature=2, top_k=3, top_p=0.5, repetition_penalty=1.4))
    assert all(
        getattr(neutral, name) == (PARAMETERS[name].off if PARAMETERS[name].can_be_off else PARAMETERS[name].default)
        for name in DECODING
    )
    assert BUILT_IN[7].applied(Settings()) == Settings()


def test_a_preset_that_does_not_go_with_the_rest_is_refused_whole() -> None:
    with pytest.raises(SettingError, match="greedy"):
        BUILT_IN[5].applied(Settings(num_return_sequences=2))


@pytest.mark.parametrize("values", [{"no_such": 1}, {"temperature": -1}, {"seed": -1}])
def test_values_that_no_preset_can_have(values: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        Preset("x", values)


def test_a_preset_sets_what_its_table_names_beside_the_decoding(tmp_path: Path) -> None:
    path = tmp_path / "presets.toml"
    path.write_text(
        '[2]\nname = "long"\nmax_new_tokens = 20\nstop_strings = ["end"]\ncache_implementation = "static"\n'
    )
    shelf = Shelf(path)
    shelf.load()
    assert not shelf.complaints
    after = shelf[2].applied(Settings(max_new_tokens=5, seed=7, use_cache=False))
    assert (after.max_new_tokens, after.stop_strings, after.cache_implementation) == (20, ("end",), "static")
    assert (after.seed, after.use_cache) == (7, False)
    shelf.keep(3, Preset("three"))
    shelf.load()
    assert shelf[2].applied(Settings(max_new_tokens=5)).max_new_tokens == 20


def test_a_preset_keeps_only_what_differs() -> None:
    preset = Preset.of("  my\n own ", Settings(temperature=0.7, top_p=0.9, **OTHERS))
    assert preset == Preset("my own", {"temperature": 0.7})
    with pytest.raises(SettingError, match="name"):
        Preset.of(" ", Settings())


def test_own_presets_outlive_the_session_and_take_the_place_of_the_others(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "presets.toml")
    shelf.load()
    assert not shelf.complaints and dict(shelf) == BUILT_IN
    mine = Preset('say "hm" \x1b[31m ☃', {"temperature": 0.123, "strategy": "greedy"})
    shelf.keep(4, mine)
    other = Shelf(shelf.path)
    other.load()
    other.keep(2, Preset("two", {"top_k": 5}))
    shelf.keep(9, Preset("nine"))
    again = Shelf(shelf.path)
    again.load()
    assert not again.complaints
    assert (again[4], again[2].differences, again[9].differences) == (mine, {"top_k": 5}, {})
    assert again[1] == BUILT_IN[1] and [digit for digit in DIGITS if again.is_own(digit)] == [2, 4, 9]
    assert again.in_force(Settings(top_k=5, seed=3)) == 2 and again.in_force(Settings(top_k=6)) is None


def test_what_is_wrong_in_the_file_is_passed_over_and_the_file_left(tmp_path: Path) -> None:
    path = tmp_path / "presets.toml"
    text = """\
[3]
name = "good"
top_k = 3 # top-p = 0
top-p = "off"
[4]
name = "bad"
top_k = -3
[x]
name = "x"
[5]
top_k = 1
[6]
"""
    path.write_text(text)
    shelf = Shelf(path)
    shelf.load()
    assert (shelf[3].name, shelf[3].differences) == ("good", {"top_k": 3, "top_p": 1.0})
    assert shelf[4] == BUILT_IN[4]
    assert [complaint.split(": ")[0][-6:] for complaint in shelf.complaints] == ["line 5", "line 8", "ine 10", "ine 12"]
    with pytest.raises(ConfigError, match="mend"):
        shelf.keep(1, Preset("new"))
    assert path.read_text() == text and not shelf.is_own(1)


@pytest.mark.parametrize("text", ["[3", '3 = "x"', "[3]\nname = 5"])
def test_a_broken_file_leaves_the_presets_of_the_program(tmp_path: Path, text: str) -> None:
    path = tmp_path / "presets.toml"
    path.write_text(text)
    shelf = Shelf(path)
    shelf.load()
    assert len(shelf.complaints) == 1 and dict(shelf) == BUILT_IN


DECODED: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(PARAMETERS["strategy"].choices),
        "force_words_ids": st.just((((1, 2),),)),
        "num_beams": st.sampled_from((4, 6)),
        "early_stopping": st.sampled_from(("true", "false", "never")),
        "do_sample": st.booleans(),
        "temperature": st.floats(0.01, 3),
        "top_k": st.integers(0, 100),
        "top_p": st.floats(0, 1),
        "min_p": st.floats(0, 1),
        "repetition_penalty": st.floats(0.5, 2),
        "no_repeat_ngram_size": st.integers(0, 5),
    }
)


@given(DECODED)
def test_what_is_exported_decodes_the_same_when_it_comes_back(values: dict[str, Any]) -> None:
    settings = Settings(**values)
    config = json.loads(json.dumps(to_generation_config(settings)))
    back = Settings.from_generation_config(config)
    acting = [name for name in DECODING if settings.strategy in (PARAMETERS[name].under or [settings.strategy])]
    assert [name for name in acting if getattr(back, name) != getattr(settings, name)] == []
    assert to_generation_config(back) == config
    # The library would not take so few candidates for contrastive search, nor draft where nothing is named that drafts;
    # all else follows from its own names.
    few = settings.strategy == "contrastive" and settings.top_k < 2
    assert ("strategy" in config) == (few or settings.strategy == "assisted")


def test_a_generation_config_comes_in_and_what_is_no_setting_is_told(tmp_path: Path) -> None:
    path = tmp_path / "generation_config.json"
    config = {"do_sample": True, "temperature": 0.6, "top_p": 0.95, "max_length": 50, "bos_token_id": 1}
    path.write_text(json.dumps(config | {"no_such_thing": 3, "transformers_version": "5", "eos_token_id": [2, 3]}))
    preset, left_out = from_generation_config(path, "theirs")
    assert preset == Preset("theirs", {"temperature": 0.6, "top_p": 0.95, "top_k": 50})
    assert len(left_out) == 1 and "no_such_thing" in left_out[0]
    path.write_text('{"do_sample": true, "temperature": -1}')
    with pytest.raises(ConfigError, match=r"temperature -1"):
        from_generation_config(path)
    with pytest.raises(ConfigError, match="no such file"):
        from_generation_config(tmp_path / "absent")
