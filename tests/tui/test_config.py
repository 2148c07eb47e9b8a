"""The config file: read with care, written from its declaration, checked against the registry of actions."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command_line import Parser, add_setting_options
from engine.settings import PARAMETERS, Settings
from tui.action import types
from tui.actions import ACTIONS
from tui.config import Config, read
from tui.config.command import main as config_command
from tui.config.declaration import OPTIONS
from tui.config.keys import KEPT, configured, normal
from tui.config.starting import SESSION, starting
from tui.config.writing import commented


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def values(config: Config) -> dict[str, Any]:
    return {name: getattr(config, name) for name in OPTIONS}


def flags(*words: str) -> argparse.Namespace:
    parser = Parser()
    add_setting_options(parser)
    args: argparse.Namespace = parser.parse_args(words)
    return args


def test_no_file_and_an_empty_one_are_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path / "absent") == Config() == read(written(tmp_path, ""))
    assert values(Config()) == {name: option.default for name, option in OPTIONS.items()}


def test_what_is_given_is_taken(tmp_path: Path) -> None:
    text = """
theme = "light"
reduced_motion = true
reading_speed = 250.5
model = "smollm2"
[settings]
temperature = 1
stop-token = "THE END"
prefix = "off"
stop_strings = ["a", "b"]
max_length = "off"
eos_token_id = "auto"
top_k = 40
[keys]
run = "alt+0"
pause = []
temperature.up = ["ctrl+k", "alt+?"]
"temperature.down" = "ctrl+x"
"""
    config = read(written(tmp_path, text))
    assert config.complaints == ()
    assert (config.theme, config.reduced_motion, config.reading_speed, config.model) == (
        "light",
        True,
        250.5,
        "smollm2",
    )
    settings, _ = starting(flags(), config)
    assert settings == SESSION.changed(temperature=1.0, stop_token="THE END", stop_strings=("a", "b"), top_k=40)
    actions, complaints = configured(ACTIONS, config)
    assert complaints == []
    keys = {
        "run": ("alt+0",),
        "pause": (),
        "temperature.up": ("ctrl+k", "alt+question_mark"),
        "temperature.down": ("ctrl+x",),
    }
    assert {action.id: action.keys for action in actions} == {action.id: action.keys for action in ACTIONS} | keys


WRONG = [
    ('\ntheme = "pink"', 2, 'one of "dark"'),
    ("theme = 3", 1, "one of"),
    ("# x\n\nthem = 'dark'", 3, "did you mean theme?"),
    ("reduced_motion = 1", 1, "true or false"),
    ("reading_speed = -1", 1, "from 0 to 10000"),
    ("reading_speed = nan", 1, "from 0 to 10000"),
    ("reading_speed = true", 1, "a number"),
    ("model = [1]", 1, "a text"),
    ("settings = 3", 1, "a table"),
    ("keys = []", 1, "a table"),
    ("[settings]\ntemprature = 1", 2, "did you mean temperature?"),
    ("[settings]\ntemperature = 1000", 2, "at most 100"),
    ('[settings]\ntop_k = "many"', 2, "a whole number"),
    ('[settings]\ntemperature = "0.5"', 2, "a number"),
    ('[settings]\ntop_k = "4"', 2, "a whole number"),
    ('[settings]\ntop_k = "auto"', 2, "a whole number"),
    ('[settings]\ntop_k = 1\ntemperature = "hot"', 3, "a number"),
    ("[settings]\nstop_strings = [1]", 2, "a list of texts"),
    ("[settings]\ntop_k = 1979-05-27", 2, "a whole number"),
    ("[settings.temperature]\nx = 1", 1, "a number"),
    ("[keys]\nrun = 3", 2, "a key or a list"),
    ("[keys]\nrun = [3]", 2, "a key or a list"),
    ("[[keys]]\nrun = 3", 1, "a table"),
]


@pytest.mark.parametrize(("text", "line", "why"), WRONG)
def test_an_entry_that_is_wrong_is_one_line_and_keeps_its_default(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    path = written(tmp_path, text)
    config = read(path)
    [complaint] = config.complaints
    assert complaint.startswith(f"{path} line {line}: ") and why in complaint and "\n" not in complaint
    assert "nan" in text or starting(flags(), config)[0].differences(SESSION).keys() <= {"top_k"}
    good = read(written(tmp_path, f'model = "kept"\n{text}')) if "model" not in text else None
    assert good is None or (good.model == "kept" and len(good.complaints) == 1)


@pytest.mark.parametrize("text", ["theme = ", "a = 1\n]", 'x = "', "[keys", "\x00"])
def test_broken_toml_is_one_line_with_its_number(tmp_path: Path, text: str) -> None:
    config = read(written(tmp_path, text))
    [complaint] = config.complaints
    assert re.match(rf"{re.escape(str(tmp_path))}/config\.toml line \d+: ", complaint) and "defaults" in complaint
    assert values(config) == values(Config())


def test_what_lies_in_its_place_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "huge").write_bytes(b"#" * 10**7)
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "binary", tmp_path / "huge", Path("a\0b")):
        config = read(path)
        assert len(config.complaints) == 1 and values(config) == values(Config())


@given(st.text())
def test_whatever_stands_in_it_reading_does_not_fail(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    read(path)


def test_settings_that_do_not_go_together(tmp_path: Path) -> None:
    config = read(written(tmp_path, '[settings]\nnum_return_sequences = 2\nstrategy = "greedy"\ntop_k = 3'))
    [complaint] = config.complaints
    assert "line 2: num_return_sequences does not go with the rest" in complaint
    assert config.settings == {"strategy": "greedy", "top_k": 3}


def test_flags_win(tmp_path: Path) -> None:
    config = read(written(tmp_path, "[settings]\ntemperature = 0.5\nnum_return_sequences = 2\ntop_k = 7"))
    settings, told = starting(flags("--temperature=2", "--length=5"), config)
    assert (
        settings == Settings(temperature=2, max_new_tokens=5, num_return_sequences=2, top_k=7) and not told.complaints
    )
    settings, told = starting(flags("--strategy=greedy"), config)
    assert settings == SESSION.changed(strategy="greedy") and len(told.complaints) == 1


def test_the_commented_file_changes_nothing_and_neither_does_it_uncommented(tmp_path: Path) -> None:
    text = commented()
    assert read(written(tmp_path, text)) == Config()
    bare = re.sub(r'(?m)^# (?=[\w".]+ = )', "", text)
    config = read(written(tmp_path, bare))
    assert config.complaints == ()
    assert {name for name in OPTIONS if f"\n{name} = " in bare.partition("[settings]")[0]} == OPTIONS.keys() - {
        "settings",
        "keys",
    }
    assert config.settings.keys() == PARAMETERS.keys() and starting(flags(), config)[0] == SESSION
    actions, complaints = configured(ACTIONS, config)
    assert complaints == [] and list(actions) == list(ACTIONS) and len(config.keys) == len(list(ACTIONS))
    assert all(option.help.split()[0] in text for option in OPTIONS.values())


def keyed(**keys: tuple[str, ...]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The keys that are not the default's, and what is complained of."""
    lines = {id: f"config.toml line {number}" for number, id in enumerate(keys, 2)}
    actions, complaints = configured(ACTIONS, Config(keys=keys, lines=lines))
    return {action.id: action.keys for action in actions if action.keys != ACTIONS[action.id].keys}, complaints


def test_keys_can_be_exchanged_and_taken_away() -> None:
    assert keyed(pause=("ctrl+n",), step=("Ctrl+P", "ctrl+p")) == ({"pause": ("ctrl+n",), "step": ("ctrl+p",)}, [])
    assert keyed(run=(), copy=("alt+0",)) == ({"run": (), "copy": ("alt+0",)}, [])


@pytest.mark.parametrize(
    ("id", "pressed", "why"),
    [
        *(("run", ("alt+0", key), "cannot be had") for key in KEPT),
        ("run", ("ctrl+x", "ctrl+["), "terminals send it as escape"),
        ("run", ("escpe",), "no key; did you mean escape?"),
        ("run", ("",), "no key"),
        ("run", ("hyperspace+x",), "no key"),
        ("run", ("\x1b[2J",), "no key"),
        ("run", ("ctrl+p",), "the key of pause already"),
        ("run", ("alt+0", "y"), "the key of copy already"),
        ("quit", (), "needs a key"),
    ],
)
def test_a_key_that_cannot_be_had_is_said_and_the_default_kept(id: str, pressed: tuple[str, ...], why: str) -> None:
    changed, [complaint] = keyed(**{id: pressed, "step": ("alt+0",) if "alt+0" not in pressed else ("ctrl+n",)})
    assert why in complaint and complaint.startswith(f"config.toml line 2: keys.{id}: ") and "\x1b" not in complaint
    assert "it keeps" in complaint and id not in changed


def test_of_two_entries_with_one_key_the_later_gives_way_and_so_does_what_builds_on_it() -> None:
    assert keyed(run=("alt+0",), step=("alt+0",))[0] == {"run": ("alt+0",)}
    # step cannot have alt+0, so it keeps ctrl+n, and then pause cannot have that.
    changed, complaints = keyed(run=("alt+0",), step=("alt+0",), pause=("ctrl+n",))
    assert changed == {"run": ("alt+0",)} and len(complaints) == 2


def test_an_action_that_is_none_is_told_with_the_nearest() -> None:
    changed, [complaint] = keyed(paus=("alt+0",))
    assert changed == {} and "did you mean pause?" in complaint


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("?", "question_mark"),
        ("Ctrl+Alt+P", "ctrl+alt+p"),
        ("alt+ctrl+p", "ctrl+alt+p"),
        ("alt+G", "alt+G"),
        ("+", "plus"),
    ],
)
def test_names_of_keys(written: str, name: str) -> None:
    assert normal(written) == name


def test_keys_that_type_do_so_where_somebody_types() -> None:
    assert all(map(types, ("a", "1", "question_mark", "slash", "space", "comma", "minus", "at", "shift+a")))
    assert not any(map(types, ("f5", "escape", "enter", "tab", "ctrl+a", "alt+1", "delete", "up")))


def test_the_command_writes_the_file_once_and_then_checks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "textgen-tui" / "config.toml"
    config_command([])
    assert path.read_text() == commented() and str(path) in capsys.readouterr().out
    config_command([])
    assert "nothing to complain of" in capsys.readouterr().out
    path.write_text('theme = "pink"\n[keys]\nrun = "f1"\n')
    (tmp_path / "textgen-tui" / "presets.toml").write_text("[0]\n")
    with pytest.raises(SystemExit) as ended:
        config_command([])
    said = capsys.readouterr()
    assert ended.value.code == 1 and str(path) in said.out
    assert [line.split(": ")[0][-6:] for line in said.err.splitlines()] == ["line 1", "line 3", "line 1"]
