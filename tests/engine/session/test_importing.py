"""Texts and chats from elsewhere are taken over, and whatever else a file holds is one line or harmless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.conversation import Turn
from engine.errors import FileError
from engine.session.importing import Imported, imported
from tests.engine.session.test_record import FIRST, VALUES

SAID = (Turn("user", "What is a\nsea?"), Turn("assistant", "Much water."))


def node(parent: str | None, role: str, *parts: Any) -> dict[str, Any]:
    return {"parent": parent, "message": {"author": {"role": role}, "content": {"parts": list(parts)}}}


CHATGPT = {
    "title": "Seas",
    "current_node": "c",
    "mapping": {
        "root": {"parent": None, "message": None},
        "a": node("root", "system", "Be kind."),
        "b": node("a", "user", "What is a\nsea?"),
        "other": node("b", "assistant", "I do not know."),
        "c": node("b", "assistant", "Much ", {"image": 1}, "water."),
    },
}
MESSAGES = [
    {"role": "user", "content": "What is a\nsea?"},
    {"role": "assistant", "content": [{"type": "text", "text": "Much water."}, {"type": "image"}]},
]
TAVERN = [
    {"user_name": "Ann", "character_name": "Sailor"},
    {"name": "Ann", "is_user": True, "mes": "What is a\nsea?"},
    {"name": "Sailor", "is_user": False, "mes": "Much water."},
]
WEBUI = {"internal": [["<|BEGIN-VISIBLE-CHAT|>", ""], ["What is a\nsea?", "Much water."]], "visible": []}
FILES = {
    "chatgpt": json.dumps([CHATGPT, {"title": "nothing", "mapping": {}}]),
    "sillytavern": "\n".join(map(json.dumps, TAVERN)),
    "webui": json.dumps(WEBUI),
    "messages": json.dumps(MESSAGES),
}


def taken(tmp_path: Path, text: str) -> list[Imported]:
    path = tmp_path / "file"
    path.write_text(text)
    return imported(path)


@pytest.mark.parametrize("kind", FILES)
def test_a_chat_is_what_was_said(tmp_path: Path, kind: str) -> None:
    [found] = taken(tmp_path, FILES[kind])
    assert found.kind == kind
    if kind == "sillytavern":
        assert (found.title, [turn.role for turn in found.turns]) == ("Sailor", ["Ann", "Sailor"])
        assert found.prompt == "Ann: What is a\nsea?\n\nSailor: Much water."
    else:
        assert found.turns == SAID and found.prompt == "User: What is a\nsea?\n\nAssistant: Much water."


def test_several_chats_of_one_file(tmp_path: Path) -> None:
    found = taken(tmp_path, json.dumps([{"title": "one", "messages": MESSAGES}, {"messages": MESSAGES[:1]}]))
    assert [(each.title, len(each.turns)) for each in found] == [("one", 2), ("", 1)]


def test_a_text_is_itself(tmp_path: Path) -> None:
    for text in ("The old king.\n", "{not json", "[1] a footnote\n", '"quoted" and more'):
        [found] = taken(tmp_path, text)
        assert (found.kind, found.prompt) == ("text", text)


def test_a_transcript_is_its_text() -> None:
    found = imported(FIRST)
    assert [each.kind for each in found] == ["transcript"] and found[0].prompt.startswith("The sea")


@pytest.mark.parametrize("text", ["", "\n \n", "{}", "[]", '{"a": [1, 2]}', "[" * 100_000, "[[]]", '{"mapping": {}}'])
def test_what_holds_nothing_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError) as error:
        taken(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_chat_that_bites_its_tail_has_an_end(tmp_path: Path) -> None:
    loop = {"current_node": "a", "mapping": {"a": node("b", "user", "x"), "b": node("a", "user", "y")}}
    [found] = taken(tmp_path, json.dumps(loop))
    assert [turn.text for turn in found.turns] == ["y", "x"]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_wrong_types_are_no_harm(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    document = json.loads(json.dumps(data.draw(st.sampled_from([[CHATGPT], MESSAGES, WEBUI, TAVERN]))))
    for _ in range(data.draw(st.integers(1, 4))):
        where: Any = document
        while isinstance(where, dict | list) and where:
            key = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
            if data.draw(st.booleans()) or not isinstance(where[key], dict | list):
                where[key] = data.draw(VALUES)
                break
            where = where[key]
    lines = "\n".join(map(json.dumps, document)) if isinstance(document, list) else ""
    try:
        found = taken(tmp_path_factory.mktemp("wrong"), data.draw(st.sampled_from([json.dumps(document), lines])))
    except FileError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(each.prompt, str) and isinstance(each.title, str) for each in found)
