"""`textgen-tui export` and `import`: files and pictures, and nothing written over."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.conversation import turns
from engine.session.record import open_record
from engine.session.standing import standing
from tests.engine.session.test_importing import FILES
from tests.engine.session.test_record import SESSION
from tui.__main__ import main

SVG = "{http://www.w3.org/2000/svg}"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        main(words)
    out, err = capsys.readouterr()
    assert (leaving.value.code, out, err.count("\n")) == (2, "", 1)
    return err


def test_a_picture_holds_the_text_and_fetches_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", str(SESSION), "--to", "svg", "--run", "2"])
    picture = capsys.readouterr().out
    root = ElementTree.fromstring(picture)
    shown = "\n".join("".join(text.itertext()) for text in root.iter(f"{SVG}text")).replace("\xa0", " ")
    for text in ("The old king had two little Spacks", "[temperature 1 → 1.5]", "--- 2 of 2 ---"):
        assert text in shown
    assert "font-face" not in picture and not re.search(r"url\((?!#)", picture) and "<script" not in picture


@pytest.mark.parametrize("to", ["md", "txt", "html", "json", "svg"])
def test_a_file_is_written_for_its_owner_and_never_over_another(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, to: str
) -> None:
    path = tmp_path / f"out.{to}"
    words = ["export", str(SESSION), "--to", to, "--run", "1"]
    main(words)
    text = capsys.readouterr().out
    main([*words, "--out", str(path)])
    assert path.read_text() == text and stat.S_IMODE(path.stat().st_mode) == 0o600
    capsys.readouterr()
    assert "there is a file of this name" in refused(capsys, *words, "--out", str(path))
    main([*words, "--out", str(path), "--force"])


def test_what_cannot_be_exported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "diary").write_text("Dear diary")
    assert "is no transcript" in refused(capsys, "export", str(tmp_path / "diary"), "--to", "txt")
    assert "invalid choice" in refused(capsys, "export", str(SESSION), "--to", "pdf")
    assert "the last one is 9" in refused(capsys, "export", str(SESSION), "--to", "txt", "--run", "10")


def test_a_chat_becomes_a_prompt_or_a_transcript(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_text(FILES["chatgpt"])
    main(["import", str(tmp_path / "chat.json"), "--list"])
    assert "chatgpt" in (listed := capsys.readouterr().out) and "Seas" in listed
    main(["import", str(tmp_path / "chat.json")])
    prompt = capsys.readouterr().out.removesuffix("\n")
    assert prompt == "User: What is a\nsea?\n\nAssistant: Much water."
    main(["import", str(tmp_path / "chat.json"), "--chat"])
    talk = turns(capsys.readouterr().out)
    assert [(turn.role, turn.text.strip()) for turn in talk] == [
        ("user", "What is a\nsea?"),
        ("assistant", "Much water."),
    ]
    (tmp_path / "tavern.jsonl").write_text(FILES["sillytavern"])
    assert "speaks in it" in refused(capsys, "import", str(tmp_path / "tavern.jsonl"), "--chat")
    main(["import", str(tmp_path / "chat.json"), "--out", str(tmp_path / "new.jsonl")])
    capsys.readouterr()
    assert standing(open_record(tmp_path / "new.jsonl")).prompt == prompt
    words = ["import", str(tmp_path / "chat.json"), "--out", str(tmp_path / "new.jsonl")]
    assert "of this name" in refused(capsys, *words)
    assert "the last one is 1" in refused(capsys, "import", str(tmp_path / "chat.json"), "--number", "5")
