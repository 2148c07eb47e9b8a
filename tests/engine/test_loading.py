"""From a name to a model, and what is said where there is none."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine import LoadError
from engine.events import Progress
from engine.models.placement import pick_device, pick_dtype
from tests.models import PROMPT, ids, loaded, play, saved, tiny_gpt2, tiny_mistral
from tests.paths import GOLDEN, REPOSITORY, needs_golden


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tiny_gpt2(), tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(checkpoint, tmp_path / "model"))


def refusal(name: str | Path, **options: Any) -> str:
    with pytest.raises(LoadError) as error:
        engine.load(str(name), **{"device": "cpu"} | options)
    text = str(error.value)
    assert len(text.splitlines()) == 1
    assert text.startswith(str(name)) or options
    return text


def test_a_folder(checkpoint: Path) -> None:
    told: list[Progress] = []
    model = engine.load(str(checkpoint), progress=told.append)
    assert (model.family.name, model.source, model.dtype, model.positions) == ("gpt2", str(checkpoint), "float32", 64)
    assert ids(play(model)) == ids(play(tiny_gpt2()))
    stages = list(dict.fromkeys(progress.stage for progress in told))
    assert stages[0] == "looking for the model" and "reading the weights" in stages
    reading = [progress for progress in told if progress.stage == "reading the weights"]
    assert reading[-1].done == reading[-1].total > 0
    assert model.identity()["parameters"] == sum(weight.numel() for weight in model.model.parameters())
    assert not model.model.training


def test_the_embedded_model_needs_no_name() -> None:
    model = engine.load(None, device="cpu")
    assert (model.name, model.family.name) == ("embedded", "gpt2")
    assert len(ids(play(model, "Once upon a time"))) == 12


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_a_precision_that_was_asked_for(checkpoint: Path, dtype: str) -> None:
    model = engine.load(str(checkpoint), device="cpu", dtype=dtype)
    assert model.dtype == dtype
    assert len(ids(play(model))) == 12


def test_a_family_that_is_not_known_is_the_general_one(tmp_path: Path) -> None:
    model = engine.load(str(saved(tiny_mistral(), tmp_path)), device="cpu")
    assert model.family.name == "auto"
    assert "this checkpoint is of type mistral" in refusal(tmp_path, family="gpt2")


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def cut_in_the_header(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:40])


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def other_shapes(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_embd": 32}))


def missing(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if ".h.1.attn" not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def config_of(content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "config.json").write_text(content)


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (cut, "broken or cut short"),
    "cut in the header": (cut_in_the_header, "broken or cut short"),
    "empty": (empty, "broken or cut short"),
    "no weights": (without("model.safetensors"), "no weights in this folder"),
    "no config": (without("config.json"), "no config.json"),
    "other shapes": (other_shapes, "the weights do not fit the config"),
    "missing": (missing, "the weights do not fit the config: 4 are missing"),
    "config is no JSON": (config_of("{"), ""),
    "config is a list": (config_of("[]"), ""),
    "no such type": (config_of('{"model_type": "no-such-model"}'), ""),
    "code of its own": (
        config_of('{"model_type": "x", "auto_map": {"AutoConfig": "x.C", "AutoModelForCausalLM": "x.M"}}'),
        "",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_checkpoint(folder: Path, how: str) -> None:
    spoil, said = SPOILT[how]
    (folder / "x.py").write_text("open('PWNED', 'w').close()\n")
    spoil(folder)
    assert said in refusal(folder)
    assert not Path("PWNED").exists()


@needs_golden
@pytest.mark.parametrize("name", ["weights_os_system_zip", "weights_os_system_legacy", "truncated_legacy_bin"])
def test_hostile_and_broken_weights_are_not_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refusal(GOLDEN / "security" / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["./nowhere", "/no/such/folder", "~/no-such-folder", "nowhere.gguf", "a b", "x/y/z", "\x1b[31m"]
)
def test_a_name_that_can_be_nothing(name: str) -> None:
    assert "no such file or folder" in refusal(name)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert "a file can only be a .gguf" in refusal(tmp_path / "notes.txt")
    (tmp_path / "bad.gguf").write_text("not a GGUF file")
    refusal(tmp_path / "bad.gguf")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "abacus"}, "must be auto, cpu, cuda, cuda:N, mps or all"),
        ({"device": ""}, "must be auto, cpu, cuda, cuda:N, mps or all"),
        ({"device": "cuda:99"}, "there is none on this machine"),
        ({"device": "meta"}, "there is none on this machine"),
        ({"device": "cpu:3"}, "there is none on this machine"),
        ({"dtype": "int4"}, "must be one of auto, float32, bfloat16, float16"),
        ({"family": "bert"}, "model type bert: unknown"),
        ({"family": "a\nb"}, "unknown"),
    ],
)
def test_a_device_precision_or_family_that_is_not_there(checkpoint: Path, options: dict[str, str], said: str) -> None:
    assert said in refusal(checkpoint, **options)


def test_half_precision_is_taken_where_it_pays() -> None:
    cpu = pick_device("cpu")
    assert pick_dtype("auto", cpu, 10**12) == torch.float32
    assert pick_dtype("auto", torch.device("mps"), 1000) == torch.float32
    assert pick_dtype("auto", torch.device("mps"), 10**9) == torch.float16
    assert pick_dtype("float16", cpu, 1) == torch.float16


def test_a_hub_out_of_reach_is_told() -> None:
    """A port on which nobody listens, in a process of its own: the hub's address is read once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = kept | {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "tui", "generate", "--model_name_or_path", "nobody/nothing", "--prompt", "x"]
    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "the hub is out of reach" in done.stderr


def test_offline_says_the_same() -> None:
    assert "the hub is out of reach" in refusal("nobody/nothing")


def test_a_model_without_a_start_token_needs_a_prompt() -> None:
    tiny = tiny_gpt2(bos_token_id=None, eos_token_id=None)
    tokenizer = tiny.tokenizer.__class__(tokenizer_object=tiny.tokenizer.backend_tokenizer)
    model = loaded(tiny.model, tokenizer)
    assert model.eos_token_ids == ()
    (failed,) = play(model, "")
    assert "type something" in str(failed)
    assert len(ids(play(model, PROMPT))) == 12


def test_an_empty_prompt_is_the_start_token(checkpoint: Path) -> None:
    model = engine.load(str(checkpoint), device="cpu")
    assert ids(play(model, "")) == ids(play(model, [299]))
