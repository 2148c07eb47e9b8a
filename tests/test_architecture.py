"""What holds for the whole tree: which package may know which, sizes, and what the checkers say."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import REPOSITORY

SOURCES = sorted(path for package in ("engine", "tui", "tests") for path in (REPOSITORY / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def roots(package: str) -> dict[Path, set[str]]:
    found = {
        path: {name.split(".")[0] for name in imported(path)}
        for path in SOURCES
        if path.is_relative_to(REPOSITORY / package)
    }
    assert len(found) > 5
    return found


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_engine_knows_no_screen() -> None:
    for path, names in roots("engine").items():
        assert not names & {"tui", "textual", "tests", "rich"}, path


def test_programs_do_not_know_their_tests() -> None:
    for path, names in roots("tui").items():
        assert not names & {"tests", "pytest"}, path


def test_modules_are_named_in_full() -> None:
    """A relative import hides which room a name comes from."""
    for package in ("engine", "tui"):
        for path, names in roots(package).items():
            assert "" not in names, path


@pytest.mark.parametrize(
    "module",
    [
        "engine",
        "engine.settings",
        "engine.session.transcript",
        "engine.session.history",
        "engine.session.markdown",
        "engine.session.record",
        "engine.session.exporting",
        "engine.replay_command",
        "engine.command_line",
        "engine.models_command",
        "engine.models.catalogue",
        "engine.models.estimate",
        "engine.models.hub",
        "tui.__main__",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    done = python(f"import sys, {module}; print(*{{'torch', 'transformers', 'textual'}} & set(sys.modules))")
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_the_engine_names_what_it_offers() -> None:
    done = python("import engine; print(*(getattr(engine, n).__name__ for n in engine.__all__))")
    assert done.returncode == 0, done.stderr
    assert {"load", "generate", "Settings", "Controls", "LoadedModel"} <= set(done.stdout.split())
    assert python("import engine; engine.no_such_name").returncode == 1


def test_no_file_outgrows_its_room() -> None:
    sizes = {str(path.relative_to(REPOSITORY)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: size for name, size in sizes.items() if size > 400} == {}


@pytest.mark.parametrize("words", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join)
def test_the_checkers_have_nothing_to_say(words: list[str]) -> None:
    environment = os.environ | {"NO_COLOR": "1"}
    command = [sys.executable, "-m", *words, *([] if words == ["mypy"] else ["."])]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
