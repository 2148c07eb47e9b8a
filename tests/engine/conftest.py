"""Models that all tests of the engine share; a test that changes one makes its own."""

from __future__ import annotations

import pytest

from engine.models.loaded import LoadedModel
from tests import models


@pytest.fixture(scope="session")
def shared_gpt2() -> LoadedModel:
    return models.tiny_gpt2()


@pytest.fixture
def gpt2(shared_gpt2: LoadedModel) -> LoadedModel:
    """A tiny GPT-2 that remembers nothing of the tests before."""
    shared_gpt2.runner.reset()
    return shared_gpt2
