"""Where things lie: this checkout, and the reference data beside it, which not every checkout has."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
GOLDEN = REPOSITORY.parent / "shared" / "golden"
CORPUS = REPOSITORY.parent / "shared" / "corpus"

needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the reference data are not beside this checkout")
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the text for training is not beside this checkout")


@cache
def golden_cases(name: str) -> dict[str, Any]:
    """The cases of one checkpoint, or empty lists where the reference data are absent."""
    file = GOLDEN / "cases" / f"{name}.json"
    if not file.is_file():
        return {"prompts": [], "texts": [], "cases": [], "runs": []}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
