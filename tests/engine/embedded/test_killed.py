"""The script as a command of its own, killed by the system in the middle and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.models.embedded.checkpoint import RESUME
from engine.models.embedded.train import main
from tests.paths import REPOSITORY

from .tiny import write_folder

SETTINGS = {"vocabulary": 400, "context": 64, "width": 64, "layers": 2, "heads": 2, "batch": 4, "held_out_every": 10}


@pytest.mark.slow
def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = write_folder(tmp_path / "text", 300)
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    command = ["--text", str(text), "--steps", "260", "--device", "cpu"]
    command += [f"--set={name}={value}" for name, value in SETTINGS.items()]
    module = "engine.models.embedded.train"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", module, *command, "--out", str(broken)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for told in process.stdout:
            if told.startswith("step 140 "):  # between one saved state and the next
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert RESUME in [path.name for path in broken.iterdir()]
    assert not (broken / "model.safetensors").exists()

    assert main([*command, "--out", str(broken)]) == 0
    resumed = capsys.readouterr().out.splitlines()
    assert resumed[0].endswith("; from step 100")
    assert main([*command, "--out", str(unbroken)]) == 0
    whole = capsys.readouterr().out.splitlines()
    assert resumed[-1].split("at step")[1] == whole[-1].split("at step")[1]
    names = sorted(path.name for path in unbroken.iterdir())
    assert names == sorted(path.name for path in broken.iterdir())
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (broken / name).read_bytes() == (unbroken / name).read_bytes(), name
