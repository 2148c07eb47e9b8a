"""What is said where a library of an optional extra is missing."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.extras import EXTRAS, need
from tests.paths import REPOSITORY


def test_each_extra_is_one_of_the_package_and_brings_its_module() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for module, extra in EXTRAS.items():
        assert any(module in line for line in project["optional-dependencies"][extra])


def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(EngineError, match=r"a LoRA takes the library peft, .*pip install peft \(the extra finetune\)"):
        need("peft", "a LoRA")


def test_a_broken_library_is_told_from_a_missing_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bitsandbytes.py").write_text("raise ImportError('no driver')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bitsandbytes", raising=False)
    with pytest.raises(EngineError, match="which is broken"):
        need("bitsandbytes", "8-bit weights")
