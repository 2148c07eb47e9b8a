"""`textgen-tui models`: what it prints, what it fetches, and how it ends."""

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

import engine
from engine import models_command
from engine.command_line import progress_told
from engine.errors import LoadError
from engine.events import Progress
from engine.models.hub import cached, search
from engine.models.hub_search import remote_details
from engine.rate import Rate, duration_text
from tests import hub as hubs
from tests.engine.models.conftest import REPOSITORY
from tests.hub import Hub
from tests.models import ids, play, saved, tiny_gpt2
from tests.paths import REPOSITORY as ROOT

Told = Callable[..., str]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """What a command prints; of a failing one the line on standard error, which must be one."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, status: int = 0) -> str:
        capsys.readouterr()
        if status:
            with pytest.raises(SystemExit) as stopped:
                models_command.main(words)
            assert stopped.value.code == status
            out, err = capsys.readouterr()
            assert out == "" and err.startswith("textgen-tui: ") and err.count("\n") == 1
            return err
        models_command.main(words)
        return capsys.readouterr().out

    return run


@pytest.fixture
def real(hub: Hub, tmp_path: Path) -> Hub:
    """A hub whose repository is a model that can be loaded."""
    folder = saved(tiny_gpt2(), tmp_path / "made")
    hub.repositories[REPOSITORY] = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.repositories[REPOSITORY]["README.md"] = (
        b"---\nlicense: mit\n---\n# Tiny\n\n## Limitations\n\nNone \x1b[31mbad.\n"
    )
    return hub


def test_a_name_of_the_hub_is_fetched_and_loaded(real: Hub) -> None:
    stages: list[Progress] = []
    model = engine.load(REPOSITORY, device="cpu", progress=stages.append)
    assert ids(play(model)) == ids(play(tiny_gpt2()))
    assert model.sums["revision"] == hubs.COMMIT
    assert [p.unit for p in stages if p.stage == "fetching from the hub"][-1] == "bytes"


def test_weights_that_are_not_the_hubs_are_never_loaded(real: Hub) -> None:
    real.faults["model.safetensors"] = [hubs.other]
    real.lasting = True
    with pytest.raises(LoadError, match=r"someone/tiny: model\.safetensors: its content is not what the hub says"):
        engine.load(REPOSITORY, device="cpu")
    assert cached(REPOSITORY) is None


def test_list_show_fetch_and_what_is_told_of_a_fetched_model(real: Hub, told: Told) -> None:
    folder = told("fetch", REPOSITORY).strip()
    assert Path(folder).is_dir() and cached(REPOSITORY) == Path(folder)
    lines = told().splitlines()
    assert lines == told("list").splitlines()
    assert lines[0].split() == ["model", "kind", "family", "size", "last", "used"]
    assert [line.split()[:3] for line in lines if REPOSITORY in line] == [[REPOSITORY, "cache", "gpt2"]]
    entries = json.loads(told("list", "--json"))
    (entry,) = [entry for entry in entries if entry["name"] == REPOSITORY]
    assert (entry["path"], entry["problem"]) == (folder, "")
    shown = dict(line.split(maxsplit=1) for line in told("show", REPOSITORY).splitlines())
    assert shown["licence"] == "mit" and shown["positions"] == "64" and shown["memory"].startswith("weights ")
    document = json.loads(told("show", REPOSITORY, "--json", "--card", "--length", "10", "--dtype", "float16"))
    assert document["estimate"]["length"] == 10 and document["details"]["shape"]["layers"] == 2
    assert document["estimate"]["weights_bytes"] == 2 * document["details"]["parameters"]
    assert document["card"]["limits"].startswith("## Limitations")
    card = told("show", REPOSITORY, "--card")
    assert "# Tiny" in card and "␛[31mbad" in card and "\x1b" not in card


def test_a_model_without_a_card_says_so(told: Told, tmp_path: Path) -> None:
    folder = saved(tiny_gpt2(), tmp_path / "plain")
    (folder / "README.md").unlink(missing_ok=True)
    text = told("show", "plain", "--card")
    assert "licence       none named" in text and "comes without a card" in text


def test_the_hub_is_searched_and_one_is_shown_before_it_is_fetched(real: Hub, told: Told) -> None:
    real.more = {"config": {"model_type": "gpt2"}, "safetensors": {"parameters": {"F16": 500}, "total": 500}}
    real.more |= {"cardData": {"license": "mit"}, "gated": False}
    (entry,) = search("tiny")
    assert (entry.name, entry.kind, entry.path, entry.family, entry.size_bytes) == (
        REPOSITORY,
        "hub",
        None,
        "gpt2",
        1000,
    )
    assert REPOSITORY in told("search", "tiny") and told("search", "nothing of this name").count("\n") == 1
    known = remote_details(REPOSITORY)
    assert (known.parameters, known.dtype, known.licence, known.shape.positions) == (500, "float16", "mit", 64)
    text = told("show", REPOSITORY, "--card")
    assert "kind          hub" in text and "weights 2 kB in float32" in text and "## Limitations" in text
    assert cached(REPOSITORY) is None
    real.more["gated"] = "manual"
    assert "gated" in search("tiny")[0].problem
    assert remote_details(REPOSITORY).shape.layers is None  # its files are not asked for


@pytest.mark.parametrize(
    "more", [{"id": "x/\x1b[31my"}, {"config": 7}, {"tags": None}, {"safetensors": {"parameters": {}, "total": 0}}]
)
def test_what_a_search_finds_may_be_strange(real: Hub, told: Told, more: dict[str, Any]) -> None:
    real.more = more
    text = told("search", "tiny")
    assert text.count("\n") == 2 and "\x1b" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nix"], "models nix: must be one of list, show, fetch, search"),
        (["list", "/no/such"], "no such folder"),
        (["show"], "the following arguments are required: MODEL"),
        (["show", "./nothing"], "no such file or folder"),
        (["show", "embedded", "--dtype", "int4"], "dtype int4: must be one of"),
        (["show", "embedded", "--device", "cuda:77"], "there is none on this machine"),
        (["show", "embedded", "--length", "0"], "--length 0: must be a whole number"),
        (["fetch", "no/model"], "no/model: no such model on the hub"),
        (["fetch", "a--b/c"], "no name that a model of the hub can have"),
        (["search", "x", "--limit", "0"], "--limit 0: must be a whole number"),
        (["--nix"], "unrecognized arguments: --nix"),
    ],
)
def test_what_is_wrong_is_one_line(hub: Hub, told: Told, words: list[str], said: str) -> None:
    assert said in told(*words, status=2)


def test_a_hub_that_is_not_there(hub: Hub, told: Told) -> None:
    hub.refusal = (500, {}, b"")
    assert "the hub answers with an error (500)" in told("fetch", REPOSITORY, status=2)
    hub.refusal = (429, {"Retry-After": "9"}, b"")
    assert "try again in 9 s" in told("show", REPOSITORY, status=2)


def test_a_fetch_is_interrupted_and_gone_on_with(hub: Hub, cache: Path) -> None:
    """As a person does it: the command in a process of its own, ctrl+c in the middle, and the same command again."""
    hub.faults["model.safetensors"] = [hubs.stall]
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = kept | {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(cache)}
    command = [sys.executable, "-m", "tui", "models", "fetch", REPOSITORY]
    options: dict[str, Any] = {"env": environment, "cwd": ROOT, "text": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A process that was begun in the background passes on that ctrl+c is not heard.
    heard: dict[str, Any] = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, **options, **pipes, **heard) as process:
        while not any(part.stat().st_size > 400_000 for part in cache.rglob("*.incomplete")):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "kept, go on with: textgen-tui models fetch someone/tiny" in err and err.count("\n") == 1
    hub.released.set()
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, **options)
    assert (done.returncode, done.stderr) == (0, "")
    folder = Path(done.stdout.strip())
    assert (folder / "model.safetensors").read_bytes() == hub.repositories[REPOSITORY]["model.safetensors"]
    assert hub.ranges("model.safetensors")[1].startswith("bytes=")


def test_the_line_of_progress(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("engine.command_line.Rate", lambda: Rate(lambda: next(clock)))
    with progress_told() as report:
        assert report is not None
        report(Progress("fetching \x1b", 1_000_000, 10_000_000, "bytes"))
        report(Progress("fetching \x1b", 5_000_000, 10_000_000, "bytes"))
        report(Progress("reading", 1, 4))
    first, second, third = capsys.readouterr().err.split("\r\x1b[K")[1:4]
    assert first == "fetching ␛ 10% · 1 MB of 10 MB"
    assert second == "fetching ␛ 50% · 5 MB of 10 MB · 2 MB/s · 2 s left"
    assert third == "reading 25%"


def test_a_rate_is_that_of_late() -> None:
    now = 0.0
    rate = Rate(lambda: now)
    assert rate.left(100) is None
    rate.tell(500)  # there before
    assert (rate.per_second, rate.left(1000)) == (0.0, None)
    for now in (1.0, 2.0):
        rate.tell(round(500 + 100 * now))
    assert (rate.per_second, rate.left(1000)) == (100.0, 3.0)
    for now in map(float, range(3, 40)):
        rate.tell(700 + round(10 * now))
    assert rate.per_second == 10.0
    rate.tell(0)  # it began anew
    assert rate.per_second == 0.0
    assert [duration_text(each) for each in (-1, 9.4, 200, 7500)] == ["0 s", "9 s", "3 min 20 s", "2 h 5 min"]
