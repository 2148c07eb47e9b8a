"""What the tests of fine-tuning share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.finetune.tuning import TEXT
from tests.models import saved, tiny_gpt2


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 of some ten thousand parameters, with dropout."""
    return saved(tiny_gpt2(initializer_range=0.02), tmp_path_factory.mktemp("base"))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """The little text as a file."""
    file = tmp_path / "keeper.txt"
    file.write_text(TEXT, encoding="utf-8")
    return file


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a result goes."""
    return tmp_path / "tuned"
