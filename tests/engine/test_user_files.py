"""Small files of the user's: whatever lies in their place is a line, and nothing is half written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.user_files import (
    LIMIT_BYTES,
    line_of,
    parse_json,
    parse_toml,
    read_text,
    toml_key,
    toml_value,
    write_text,
)

TOML_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN: st.SearchStrategy[Any] = (
    st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TOML_TEXT
)


def test_what_is_no_file_is_a_line_and_holds_nobody_up(tmp_path: Path) -> None:
    pipe, big, binary = tmp_path / "pipe", tmp_path / "big", tmp_path / "binary"
    os.mkfifo(pipe)
    big.write_bytes(b"#" * (LIMIT_BYTES + 1))
    binary.write_bytes(b"a = 1\n\x00\xff\xfe")
    for path, why in (
        (tmp_path, "folder"),
        (pipe, "a pipe"),
        (big, "larger than the 256 kB"),
        (binary, "line 2: no UTF-8"),
    ):
        with pytest.raises(ConfigError, match=why) as caught:
            read_text(path)
        assert "\n" not in str(caught.value) and path.name[-8:] in str(caught.value)
    assert read_text(tmp_path / "absent") is None
    with pytest.raises(ConfigError, match="cannot be read"):
        read_text(Path("a\0b"))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_a_file_without_permission_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.touch(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_text(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\nb = \n", "line 2: "),
        ("a = 1\na = 2", "line 2: "),
        ('a = 1\nb = "x', "line 2: "),
        ("a = [1,\n2", "line 2: "),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = " + "1" * 5000, "file.toml: "),
    ],
)
def test_broken_toml_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_toml(text, Path("file.toml"))
    assert told in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "[" * 100_000])
def test_json_that_is_no_object_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^file\.json: "):
        parse_json(text, Path("file.json"))


@given(st.dictionaries(TOML_TEXT, PLAIN | st.lists(PLAIN)))
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    text = "".join(f"{toml_key(name)} = {toml_value(value)}\n" for name, value in values.items())
    assert parse_toml(text, Path("file")) == values


def test_the_line_of_an_entry() -> None:
    text = '''theme = "x"
[settings]  # [keys]
temperature = 3
"min_p" = 2
prefix = """
top_k = 5
"""
top_k = 6
[keys]
run = ["a",
  "b"]
temperature.up = "f5"
"top_k.up" = "f6"
'''
    places = {
        ("theme",): 1,
        ("settings",): 2,
        ("settings", "temperature"): 3,
        ("settings", "min_p"): 4,
        ("settings", "prefix"): 5,
        ("settings", "top_k"): 8,
        ("keys", "run"): 10,
        ("keys", "temperature", "up"): 12,
        ("keys", "top_k.up"): 13,
    }
    assert {keys: line_of(text, *keys) for keys in places} == places
    assert line_of("settings = { a = 1, b = 2 }", "settings", "b") == 1 and line_of(text, "absent") is None


@given(st.text(), st.text())
def test_looking_for_a_line_never_fails(text: str, key: str) -> None:
    line = line_of(text, key)
    assert line is None or 1 <= line <= len(text.splitlines())


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.toml"
    write_text(path, "one")
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    write_text(link, "two\udc80")
    assert path.read_text() == "two?" and link.is_symlink()
    assert [child.name for child in path.parent.iterdir()] == ["file.toml"], "the draft is gone"
    for wrong in (path / "below", tmp_path):
        with pytest.raises(ConfigError, match=r"folder|written"):
            write_text(wrong, "x")
    assert path.read_text() == "two?"
