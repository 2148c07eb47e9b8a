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
from engine.finetune.naming import job_of
from engine.finetune.workplace import Workplace
from tests.engine.finetune.test_loop import same, weights
from tests.engine.finetune.tuning import job, tuned
from tests.paths import REPOSITORY

FLAGS = ["--batch_size", "2", "--block_size", "32", "--learning_rate", "0.005", "--device", "cpu"]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tui", "finetune", *map(str, words)]


def started(*words: object) -> subprocess.Popen[str]:
    """A process with these words."""
    pipe: Any = subprocess.PIPE
    told = command(*words)
    return subprocess.Popen(told, cwd=REPOSITORY, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def begun(base: Path, text: Path, out: Path, *more: object) -> subprocess.Popen[str]:
    """A run under way, whose events can be read."""
    return started("--text", text, "--out", out, "--model_name_or_path", base, *FLAGS, "--json", *more)


def until(run: subprocess.Popen[str], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    assert run.stdout is not None
    for line in run.stdout:
        event: dict[str, Any] = json.loads(line)
        if wanted(event):
            return event
    raise AssertionError(run.communicate())


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_weights_of_an_unbroken_one(base: Path, text: Path, tmp_path: Path) -> None:
    """Killed without a warning, gone on with, killed politely, and gone on with again."""
    tuned(job(base, text, tmp_path / "whole", steps=40))
    run = begun(base, text, tmp_path / "killed", "--steps", 40)
    until(run, lambda event: event["event"] == "saved" and event["step"] >= 6)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    place = Workplace(tmp_path / "killed")
    assert not place.out.exists()
    again = started("--resume", place.folder, "--json")
    assert until(again, lambda event: event["event"] == "started")["step"] >= 6
    until(again, lambda event: event["event"] == "step")
    again.send_signal(signal.SIGTERM)
    rest, errors = again.communicate()
    left = json.loads(rest.splitlines()[-1])
    assert left["event"] == "left" and left["step"] > 6 and again.returncode == 130, errors
    assert not place.out.exists() and "Traceback" not in errors
    tuned(job_of(place))
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


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
def test_ctrl_c_keeps_the_best_and_people_are_told_in_lines(base: Path, text: Path, out: Path) -> None:
    words = ("--text", text, "--out", out, "--model_name_or_path", base, *FLAGS, "--steps", 900, "--prompt", "Old")
    run = started(*words)
    assert run.stdout is not None
    next(line for line in run.stdout if ", the best" in line)
    run.send_signal(signal.SIGINT)
    rest, errors = run.communicate()
    assert run.returncode == 0 and "the best so far is kept" in errors and "Traceback" not in errors
    assert "Old …\n  base:  " in rest and rest.rstrip().endswith(str(out))
    assert "; stopped" in rest.splitlines()[-2] and (out / "model.safetensors").is_file()


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
