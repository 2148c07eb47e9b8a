"""A record in other forms: what stands at its end, shown by any reader as it was, and harmless."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from engine.session.exporting import as_html, as_json, as_markdown, as_text
from engine.session.html import LEVELS, level
from engine.session.record import Record, open_record
from engine.session.standing import Standing, standing, text_of
from tests.engine.session.test_record import FIRST, SESSION


class Reader(HTMLParser):
    """A file's tags with their attributes, and the text of the paragraphs of text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self._open.append(str(given.get("class")))
        if given.get("class") == "text":
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if "text" in self._open and "mark" not in self._open:
            self.texts[-1] += data


def written(tmp_path: Path, *lines: Any) -> Record:
    path = tmp_path / "session.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return open_record(path)


def a_run(prompt: str, text: str, **more: Any) -> list[dict[str, Any]]:
    """The lines of a run whose tokens are the letters of a text."""
    run = {"event": "run", "version": 1, "model": {"name": "m"}, "settings": {}, "seed": 1, "prompt": prompt}
    tokens = [
        {"event": "token", "sequence": 0, "index": at, "id": at, "text": letter, "logprob": math.log(0.3)}
        | {"alternatives": [[99, '<b>&\x1b"', -3.0, -3.0]]}
        for at, letter in enumerate(text)
    ]
    return [run | more, {"event": "prepared", "text": prompt, "ids": [1]}, *tokens]


def test_the_session_is_followed_to_its_end() -> None:
    record = open_record(SESSION)
    seen: list[list[str]] = []
    found = Standing()
    for entry in record.entries:
        found.take(entry)
        seen.append([found.prompt + text for text in found.texts()])
    lines = [entry for entry in record.entries if isinstance(entry, dict)]
    assert seen[1] == [seen[0][0], seen[1][1]] and seen[1][1].startswith(seen[0][1]) and seen[1][1] != seen[0][1]
    assert seen[2][1].startswith(seen[0][1]) and seen[2][1] != seen[1][1]  # anew, and stopped
    assert seen[3][0] == "The old king had" + lines[0]["text"]
    for line, place in zip(lines[1:], (4, 5), strict=True):
        assert seen[place] == [line["prompt"] + text for text in line["texts"]]
    assert seen[4] == seen[2] and seen[5] == seen[3]
    parts = standing(record.until(1)).sequences[1]
    assert [part.text for part in parts if part.kind == "mark"] == ["temperature 1 → 1.5"]
    assert all(part.token for part in parts if part.kind == "model")


def test_tokens_outlive_edits_around_them(tmp_path: Path) -> None:
    edit = {"event": "edit", "sequence": 0, "text": "abXYef"}
    back = {"event": "rewind", "sequence": 0, "at": 6, "prompt": "p ", "texts": ["abcdef"]}
    record = written(tmp_path, *a_run("p ", "abcdef"), edit)
    [parts] = standing(record).sequences
    assert [(part.kind, part.text) for part in parts] == [
        ("model", "a"), ("model", "b"), ("human", "XY"), ("model", "e"), ("model", "f")
    ]  # fmt: skip
    record = written(tmp_path, *a_run("p ", "abcdef"), edit, back, *a_run("p abc", "Z", sequence=0, how="on"))
    [parts] = standing(record).sequences
    assert text_of(parts) == "abcZ" and all(part.token for part in parts)


def test_a_setting_moved_between_two_runs_is_marked_where_the_second_begins(tmp_path: Path) -> None:
    warmer = {"sequence": 0, "how": "on", "settings": {"temperature": 1.5}}
    [parts] = standing(written(tmp_path, *a_run("p ", "ab"), *a_run("p ab", "cd", **warmer))).sequences
    assert [part.text for part in parts] == ["a", "b", "temperature 1 → 1.5", "c", "d"]


def test_plain_text(tmp_path: Path) -> None:
    assert as_text(written(tmp_path, *a_run("p\n", "ab"))) == "p\nab\n"
    two = as_text(open_record(FIRST).until(0), say_model=True)
    assert two.startswith("=== 1 of 2 ===\nThe old king smiled") and "=== 2 of 2 ===\nThe old king was" in two
    assert two.endswith("\n\nWritten with a language model, embedded.\n")


def test_markdown() -> None:
    text = as_markdown(open_record(SESSION).until(1), say_model=True)
    assert text.startswith('---\ndate: "20') and '\nmodel: "embedded"\n' in text and "\n  temperature: 1.5\n" in text
    assert "## Written, 2 of 2 (seed 8)" in text and "<sub>temperature 1 → 1.5</sub>" in text
    assert text.endswith("*Written with a language model, embedded.*\n")


def test_json_holds_every_run() -> None:
    record = open_record(SESSION)
    document = json.loads(as_json(record))
    assert document["standing"]["texts"] == standing(record).texts() and "note" not in document
    runs = [entry["run"] for entry in document["entries"] if "run" in entry]
    assert [sum(len(s["tokens"]) for s in run["sequences"]) for run in runs] == [run.told for run in record.runs]
    assert runs[8]["error"] and runs[2]["stopped"] == 3
    assert [line["id"] for line in runs[0]["sequences"][1]["tokens"]] == [t.id for t in record.runs[0].tokens[1]]


def test_html_shows_each_token_by_its_probability(tmp_path: Path) -> None:
    record = open_record(SESSION).until(0)
    page = Reader(as_html(record, say_model=True))
    found = standing(record)
    assert page.texts == [found.prompt + text for text in found.texts()]
    spans = [given for tag, given in page.tags if tag == "span" and "title" in given]
    tokens = [token for number in (0, 1) for token in record.runs[0].tokens[number]]
    assert [given["class"] for given in spans] == [f"p{level(math.exp(token.logprob))}" for token in tokens]
    assert [level(p) for p in (1.0, 0.5, 0.2, 0.05, 0.01, 1e-9, 0.0)] == [0, 0, 1, 2, 3, 4, 4] and len(LEVELS) == 5
    assert f"{tokens[0].alternatives[0].text!r} " in str(spans[0]["title"])


def test_html_needs_and_runs_nothing(tmp_path: Path) -> None:
    hostile = '<script>x</script>"\x1b[31m\u202e&'
    marks = {"event": "change", "at": 1, "name": "<i>", "from": hostile, "to": hostile}
    record = written(tmp_path, *a_run(hostile, "ab<c", model={"name": hostile}), marks)
    text = as_html(record, say_model=True)
    page = Reader(text)
    allowed = {"html", "head", "meta", "title", "style", "body", "p", "br", "span", "footer"}
    assert {tag for tag, _ in page.tags} <= allowed
    names = {name for _, given in page.tags for name in given}
    assert names == {"lang", "charset", "http-equiv", "content", "name", "class", "title"}
    assert "\x1b" not in text and "\u202e" not in text and page.texts[0].endswith("ab<c")
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text and "url(" not in style
    assert "prefers-color-scheme: dark" in style
    [title] = {given["title"] for _, given in page.tags if "title" in given and "'a'" in str(given["title"])}
    assert title == "'a' 30 %\n'<b>&\\x1b\"' 4.98 %"


@pytest.mark.parametrize("make", [as_text, as_markdown, as_html, as_json])
def test_a_record_without_a_run_has_its_text(tmp_path: Path, make: Any) -> None:
    record = written(tmp_path, {"event": "import", "prompt": "from elsewhere", "texts": []})
    assert "from elsewhere" in make(record, True) and "Written with a language model." in make(record, True)
