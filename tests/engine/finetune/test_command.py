"""`textgen-tui finetune` as a process: lines, exit codes, signals, and a kill that loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.command_line import UsageError
from engine.finetune.command import job_from, parser
from tests.engine.finetune.test_loop import same, weights
from tests.engine.finetune.tuning import job, tuned
from tests.paths import REPOSITORY

FLAGS = ["--batch_size", "2", "--block_size", "32", "--learning_rate", "0.005", "--device", "cpu"]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tui", "finetune", *map(str, words)]


def begun(base: Path, text: Path, out: Path, *more: object) -> subprocess.Popen[str]:
    """A run under way, whose events can be read."""
    words = command("--text", text, "--out", out, "--model_name_or_path", base, *FLAGS, "--json", *more)
    pipe: Any = subprocess.PIPE
    return subprocess.Popen(words, cwd=REPOSITORY, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def until(run: subprocess.Popen[str], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    assert run.stdout is not None
    for line in run.stdout:
        event: dict[str, Any] = json.loads(line)
        if wanted(event):
            return event
    raise AssertionError(run.communicate())


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_weights_of_an_unbroken_one(base: Path, text: Path, tmp_path: Path) -> None:
    tuned(job(base, text, tmp_path / "whole", steps=24))
    run = begun(base, text, tmp_path / "killed", "--steps", 24)
    until(run, lambda event: event["event"] == "saved" and event["step"] >= 6)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert not (tmp_path / "killed").exists()
    words = command("--resume", tmp_path / "killed.unfinished", "--json")
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert next(event for event in events if event["event"] == "started")["step"] >= 6
    assert events[-1]["event"] == "finished"
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "end", "code"),
    [(signal.SIGINT, "finished", 0), (signal.SIGTERM, "left", 130)],
    ids=["ctrl+c keeps the best", "a polite kill leaves it"],
)
def test_signals(base: Path, text: Path, out: Path, number: int, end: str, code: int) -> None:
    run = begun(base, text, out, "--steps", 900)
    until(run, lambda event: event["event"] == "evaluated")
    run.send_signal(number)
    rest, errors = run.communicate()
    assert json.loads(rest.splitlines()[-1])["event"] == end and run.returncode == code, errors
    assert out.exists() == (end == "finished") and "Traceback" not in errors


@pytest.mark.slow
def test_a_reader_that_is_gone_leaves_the_run_to_be_gone_on_with(base: Path, text: Path, out: Path) -> None:
    run = begun(base, text, out, "--steps", 900)
    until(run, lambda event: event["event"] == "saved")
    assert run.stdout is not None and run.stderr is not None
    run.stdout.close()
    assert run.wait() == 130 and "Traceback" not in run.stderr.read()
    run.stderr.close()
    assert not out.exists() and (out.with_name("tuned.unfinished") / "run.json").is_file()


@pytest.mark.slow
def test_lines_for_people(base: Path, text: Path, out: Path) -> None:
    words = command("--text", text, "--out", out, "--model_name_or_path", base, *FLAGS, "--steps", 4, "--prompt", "Old")
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "step 4 of 4  loss" in done.stdout and "Old …\n  base:  " in done.stdout
    assert done.stdout.rstrip().endswith(str(out)) and "held-out loss" in done.stdout.splitlines()[-2]
    again = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (2, "") and "is there already" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--text FILE is missing"),
        (["--text", "a", "--steps", "3", "--epochs", "1"], "--steps and --epochs"),
        (["--text", "a", "--rank", "4"], "give --lora too"),
        (["--resume", "--text", "a"], "--resume goes on as the run was begun"),
    ],
)
def test_flags_that_do_not_go_together(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        job_from(parser().parse_args(words))


def test_hyphens_and_auto() -> None:
    found = job_from(parser().parse_args(["--text", "a", "--learning-rate", "2e-4", "--steps", "auto", "--lora"]))
    assert (found.learning_rate, found.steps, found.lora, found.model) == (2e-4, None, True, None)
