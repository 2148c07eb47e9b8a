"""The first start in a real terminal, and a config file with a mistake in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.end_to_end.terminal import Terminal, environment, program


def test_one_is_welcomed_once_and_alt_and_a_digit_is_no_sign_in_the_prompt(tmp_path: Path) -> None:
    with Terminal([], tmp_path) as terminal:
        terminal.shows("Type how a text begins")
        terminal.press("Once")
        terminal.until(lambda: "Type how a text begins" not in terminal.text(), "the end of the welcome")
        terminal.until(lambda: any("Once" in line for line in terminal.pane("Prompt")), "what was typed")
        terminal.press("alt+4")
        terminal.shows("Settings · preset 4 wild")
        assert "Once" in terminal.text() and "¢" not in terminal.text()
        terminal.press("ctrl+q")
        assert terminal.ends() == 0
    with Terminal([], tmp_path) as terminal:
        terminal.shows("■ ready")
        assert "Type how a text begins" not in terminal.text()
        terminal.press("ctrl+q")
        assert terminal.ends() == 0


def test_the_config_is_written_read_and_complained_of(tmp_path: Path) -> None:
    def config() -> subprocess.CompletedProcess[str]:
        command = [*program(), "config"]
        return subprocess.run(command, capture_output=True, text=True, env=environment(tmp_path), timeout=120)

    path = tmp_path / "config" / "textgen-tui" / "config.toml"
    first = config()
    assert (first.returncode, first.stderr) == (0, "") and first.stdout.startswith(str(path)), first.stderr
    path.write_text(
        'theme = "high-contrast"\nreading_sped = 3\n[settings]\ntemperature = 0.55\n[keys]\nquit = "alt+0"\n'
    )
    second = config()
    assert second.returncode == 1 and "line 2" in second.stderr and second.stderr.count("\n") == 1
    with Terminal(["--top_k=7"], tmp_path) as terminal:
        terminal.shows("did you mean")
        terminal.shows("■ ready")
        assert "alt+0 quit" in terminal.text()
        rows = terminal.pane("Settings")
        assert any("temperature" in row and "0.55" in row for row in rows)
        assert any("top-k" in row and " 7 " in row for row in rows)
        terminal.press("\x1b0")
        assert terminal.ends() == 0
