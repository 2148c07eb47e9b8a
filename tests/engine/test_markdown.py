"""The Markdown file, read by a Markdown reader and a YAML reader: what they show is what was written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engine.safe_text import safe_block
from engine.session.markdown import Origin, file_name, markdown
from engine.settings import Settings

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def sections(text: str) -> dict[str, str]:
    """Heading -> the text that a reader shows below it; tags that are obeyed are left in as such."""
    body = text.split("\n---\n", 1)[1]
    found: dict[str, str] = {}
    heading, expects_heading = "", False
    for token in READER.parse(body):
        if token.type == "heading_open":
            assert token.tag == "h2"
            expects_heading = True
        elif token.type == "inline":
            words = {"text": lambda t: t.content, "hardbreak": lambda _: "\n", "html_inline": lambda t: t.content}
            shown = "".join(
                words[child.type](child) for child in token.children or [] if child.content or child.type == "hardbreak"
            )
            if expects_heading:
                heading, expects_heading = shown, False
                found[heading] = ""
            else:
                found[heading] += ("\n\n" if found[heading] else "") + shown
        else:
            assert token.type in ("heading_close", "paragraph_open", "paragraph_close"), token
    return found


def alike(text: str) -> str:
    """Text without what Markdown never shows: how many blank lines there are, and spaces at the ends of lines."""
    lines = [line.replace("\xa0", " ").strip(" ") for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


SIGNS = st.text(st.sampled_from("ab1 \n\\`*_[]()<>#|~&$-+=.:!\"'é漢\x1b\t\ue001\x0c/@"), max_size=40)


@given(SIGNS, SIGNS)
def test_a_reader_shows_what_was_written(prompt: str, written: str) -> None:
    text = markdown(Origin(TIME), Settings(), [[("prompt", prompt), ("model", written)]])
    assert all(sign.isprintable() or sign in "\n\ue001" for sign in text)
    shown = sections(text)
    held = str.maketrans({"\ue001": "\ufffd"})
    assert alike(shown["Prompt"]) == alike(safe_block(prompt).translate(held))
    assert alike(shown["Written"]) == alike(safe_block(written).translate(held))


@pytest.mark.parametrize(
    "hostile",
    [
        "---\nkey: x\n---",
        "# no\n- no\n1. no\n> no",
        "```\nno\n```",
        "<script>x</script>",
        "![a](b) [c](d)",
        "a | b\n--|--\nc | d",
    ],
)
def test_nothing_in_the_text_is_obeyed(hostile: str) -> None:
    text = markdown(Origin(TIME), Settings(), [[("prompt", hostile), ("model", "\n" + hostile)]])
    assert sections(text) == {"Prompt": hostile, "Written": hostile}


def test_indented_lines_keep_their_place() -> None:
    text = markdown(Origin(TIME), Settings(), [[("prompt", "def f():"), ("model", "\n    return 1\n\n    # end")]])
    assert sections(text)["Written"].replace("\xa0", " ") == "    return 1\n\n    # end"


def test_what_a_person_put_in_and_what_was_turned_are_told_apart() -> None:
    pieces = [
        ("prompt", "The "),
        ("model", "old"),
        ("mark", "┊temperature 1 → 2┊"),
        ("human", " ki"),
        ("human", "ng\n\nwas"),
    ]
    text = markdown(Origin(TIME), Settings(), [[*pieces, ("special", "<|end|>")]])
    written = sections(text)["Written"]
    assert written == "old<sub>┊temperature 1 → 2┊</sub><ins> king</ins>\n\n<ins>was</ins><|end|>"


def test_the_front_matter_says_how_it_came_about() -> None:
    settings = Settings(
        temperature=1.5, seed=7, stop_token="\x1b:\u2028 '\"", stop_strings=("a", "- b"), num_return_sequences=2
    )
    origin = Origin(TIME, model="m\x1b]0;x: y", family="gpt2", device="cpu", dtype="float32")
    text = markdown(origin, settings, [[("prompt", "p"), ("model", "one")], [("prompt", "p"), ("model", "two")]])
    facts = yaml.safe_load(text.split("\n---\n")[0])
    assert facts == {
        "date": "2026-01-02T03:04:05+00:00",
        "model": "m\x1b]0;x: y",
        "family": "gpt2",
        "device": "cpu",
        "dtype": "float32",
        "seed": 7,
        "settings": {
            "temperature": 1.5,
            "stop_token": "\x1b:\u2028 '\"",
            "stop_strings": ["a", "- b"],
            "num_return_sequences": 2,
        },
    }
    assert sections(text) == {"Prompt": "p", "Written, 1 of 2 (seed 7)": "one", "Written, 2 of 2 (seed 8)": "two"}
    assert "settings" not in yaml.safe_load(markdown(Origin(TIME), Settings(), [[]]).split("\n---\n")[0])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The old king, who lived by the sea", "the-old-king-who-lived-by.md"),
        ("../../etc/passwd", "etc-passwd.md"),
        ("", "untitled.md"),
        ("\x1b]0;\x07\u202e...", "0.md"),
        ("Žluťoučký kůň", "žluťoučký-kůň.md"),
        ("CON", "con-text.md"),
        ("x" * 500, "x" * 40 + ".md"),
        ("漢" * 300, "漢" * 40 + ".md"),
    ],
)
def test_a_name_is_made_of_the_first_words(text: str, name: str, tmp_path: Path) -> None:
    assert file_name(text) == name
    (tmp_path / name).touch()
