"""A hub on the loopback, its files, and a cache of the test's own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.models import download
from tests.hub import Hub, reached, running

REPOSITORY = "someone/tiny"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """One repository with weights, beside files that nobody wants."""
    monkeypatch.setattr(download, "_FIRST_PAUSE_S", 0.001)
    with running() as found, reached(found, cache):
        noise = random.Random(1).randbytes(1_000_000)
        found.repositories["someone/tiny"] = {
            "config.json": b'{"model_type": "gpt2"}',
            "README.md": b"---\nlicense: mit\n---\n# Tiny\n",
            "model.safetensors": noise,
            "pytorch_model.bin": noise[:3000],
            "tf_model.h5": noise[:3000],
            "model.onnx": noise[:3000],
            "modeling_tiny.py": b"print('owned')",
            "onnx/config.json": b"{}",
        }
        yield found
