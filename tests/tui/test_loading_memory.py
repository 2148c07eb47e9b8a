"""Models one after another: what they take in memory is given back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models import saved, tiny_gpt2
from tests.paths import REPOSITORY

SWITCHES = """
import gc, json, os, sys
import psutil, torch
from engine.generation import generate
from engine.settings import Settings
from tui.jobs import LoadFailed, LoadJob
from tui.loading import Loader

process, told = psutil.Process(), []
loader = Loader(told.append, lambda: False)


def tensors():
    return sum(each.nbytes for each in gc.get_objects() if isinstance(each, torch.Tensor))


def switch(name):
    told.clear()  # as the screen does, which keeps what it was told last
    assert loader.load(LoadJob(name)), told
    list(generate(loader.model, "the old river", Settings(max_new_tokens=8)))
    gc.collect()
    return process.memory_info().rss, tensors()


taken = [switch(sys.argv[1 + number % 2]) for number in range(11)]
print(json.dumps({"taken": taken, "weights": loader.model.weight_bytes}))
"""


@pytest.mark.parametrize("beside", [True, False], ids=["both have room", "one goes first"])
def test_after_ten_switches_memory_is_what_it_was_after_the_first(tmp_path: Path, beside: bool) -> None:
    size = {"n_embd": 256, "n_layer": 8, "n_head": 4}
    folders = [str(saved(tiny_gpt2(**size), tmp_path / name)) for name in "ab"]
    program = (
        SWITCHES
        if beside
        else SWITCHES.replace("process, told", "import tui.loading as loading\nloading._BESIDE = 10**12\nprocess, told")
    )
    command = [sys.executable, "-c", program, *folders]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    (first, first_tensors), *_, (last, last_tensors) = told["taken"]
    assert told["weights"] > 20_000_000
    assert last_tensors - first_tensors < told["weights"] / 10, "no tensor of an earlier model is held"
    assert last - first < told["weights"] / 2, "and the process is no larger"
