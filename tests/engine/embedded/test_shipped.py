"""The shipped checkpoint, opened the plain way."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.models.embedded import CHECKPOINT


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_it_continues_a_story_in_english() -> None:
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    model: Any = AutoModelForCausalLM.from_pretrained(CHECKPOINT, dtype=torch.float32)
    prompt = tokenizer("Once upon a time", return_tensors="pt")
    assert prompt.input_ids[0, 0] == tokenizer.eos_token_id == tokenizer.bos_token_id == 0
    output = model.generate(**prompt, max_new_tokens=40, min_new_tokens=40, do_sample=False)
    text = str(tokenizer.decode(output[0, prompt.input_ids.shape[1] :]))
    words = re.findall(r"[A-Za-z]+", text)
    assert len(words) >= 20
    assert {"a", "the", "was", "who", "and"} & set(words)


def test_it_is_small_half_precision_and_readable_by_all() -> None:
    files = {path.name: path.stat() for path in CHECKPOINT.iterdir()}
    assert {"config.json", "generation_config.json", "README.md", "tokenizer.json"} <= files.keys()
    assert files["model.safetensors"].st_size <= 30_000_000
    assert {stat.S_IMODE(status.st_mode) & 0o444 for status in files.values()} == {0o444}
    model = AutoModelForCausalLM.from_pretrained(CHECKPOINT, dtype="auto")
    assert model.dtype == torch.float16
    assert model.config.n_positions == 512


def test_naming_the_folder_loads_nothing_heavy() -> None:
    program = "import sys, engine.models.embedded; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
