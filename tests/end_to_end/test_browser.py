"""The session as textual-serve runs it for a browser: through pipes, by packets of a kind, a length and its bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.end_to_end.terminal import environment


def packet(kind: bytes, said: bytes) -> bytes:
    return kind + len(said).to_bytes(4, "big") + said


def shown_until(text: bytes, output: IO[bytes]) -> bytes:
    """What is drawn until this text is among it; packets of other kinds are passed over."""
    drawn = b""
    while text not in drawn:
        kind, length = output.read(1), int.from_bytes(output.read(4), "big")
        said = output.read(length)
        assert kind, f"it ended before it drew {text!r}: {drawn[-500:]!r}"
        drawn += said if kind == b"D" else b""
    return drawn


def test_a_session_in_a_browser(tmp_path: Path) -> None:
    env = environment(tmp_path) | {
        "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
        "COLUMNS": "100",
        "ROWS": "30",
    }
    arguments = [sys.executable, "-m", "tui", "--prompt=Once", "--length=12", "--eos_token_id=off"]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=env) as process:
        try:
            assert process.stdin and process.stdout and process.stderr
            for line in process.stdout:
                if line == b"__GANGLION__\n":
                    break
            shown_until(b"ready", process.stdout)
            process.stdin.write(packet(b"D", b"\n"))
            process.stdin.flush()
            shown_until(b"length reached", process.stdout)
            process.stdin.write(packet(b"M", json.dumps({"type": "quit"}).encode()))
            process.stdin.flush()
            process.communicate(timeout=120)
            assert process.returncode == 0
        finally:
            process.kill()
