"""The list of models: what is found, what is passed over, and what cannot hurt it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.numpy import save_file

import engine
from engine.errors import LoadError
from engine.models.catalogue import Entry, details, entries, entry_of
from engine.models.finding import found_below
from engine.models.gguf_header import read_head
from engine.models.places import own_models, recent_models
from engine.models.recent import remember, remembered
from tests.paths import GOLDEN, needs_golden

CONFIG = {"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield


def checkpoint(folder: Path, config: object = CONFIG, weights: bool = True) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    if weights:
        save_file({"embed.weight": np.zeros((4, 8), np.float32)}, folder / "model.safetensors")
    return folder


def gguf_file(path: Path, words: int = 5) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(8)
    writer.add_block_count(2)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_license("mit")
    writer.add_chat_template("{{ messages }}")
    writer.add_token_list([f"word{i}" for i in range(words)])
    writer.add_tensor("token_embd.weight", np.zeros((words, 8), np.float16))
    writer.add_tensor("norm.weight", np.zeros(8, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def found() -> dict[str, Entry]:
    """By the last part of their names."""
    return {Path(entry.name).name: entry for entry in entries()}


def test_the_embedded_model_is_always_there() -> None:
    entry = next(entries())
    assert (entry.name, entry.kind, entry.family, entry.problem) == ("embedded", "embedded", "gpt2", "")
    known = details(entry)
    assert (known.family, known.shape.positions, known.licence) == ("gpt2", 512, "apache-2.0")


def test_folders_files_and_adapters() -> None:
    checkpoint(Path("a/b/llama"))
    gguf_file(Path("a/small.gguf"))
    checkpoint(own_models() / "mine")
    adapter = Path("a/poems")
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "gpt2"}')
    save_file({"lora_A.weight": np.zeros((2, 8), np.float32)}, adapter / "adapter_model.safetensors")
    told = found()
    assert {
        name: (entry.kind, entry.family) for name, entry in told.items() if name not in ("embedded", "smollm2")
    } == {
        "llama": ("folder", "llama"),
        "small.gguf": ("gguf", "llama"),
        "mine": ("folder", "llama"),
        "poems": ("adapter", "lora"),
    }
    assert not any(entry.problem for entry in told.values())
    assert told["llama"].size_bytes == Path("a/b/llama/model.safetensors").stat().st_size
    assert (details(told["poems"]).base, details(told["poems"]).parameters) == ("gpt2", 16)
    assert entry_of("a/poems").kind == "adapter"


def test_a_gguf_file_tells_all_without_its_weights() -> None:
    known = details(entry_of(str(gguf_file(Path("m.gguf"), words=3000))))
    shape = known.shape
    assert (known.parameters, known.dtype, known.chat_template, known.licence) == (24008, "float16", True, "mit")
    assert (shape.positions, shape.vocabulary, shape.layers, shape.kv_heads, shape.head_dim) == (128, 3000, 2, 2, 2)
    by_library = gguf.GGUFReader("m.gguf")
    assert known.parameters == sum(int(tensor.n_elements) for tensor in by_library.tensors)
    assert set(read_head(Path("m.gguf")).values) == {key for key in by_library.fields if not key.startswith("GGUF.")}


@pytest.mark.parametrize("keep", [0, 3, 4, 10, 24, 60, 200, 400])
def test_a_gguf_file_that_is_cut_is_told(keep: int) -> None:
    whole = gguf_file(Path("m.gguf")).read_bytes()
    Path("m.gguf").write_bytes(whole[:keep])
    with pytest.raises(LoadError, match="gguf"):
        read_head(Path("m.gguf"))
    (entry,) = [entry for entry in entries() if entry.name.endswith("m.gguf")]
    assert entry.problem or keep >= 100  # what stands behind the head's beginning is not looked at for a list


def test_a_gguf_file_with_mad_numbers_is_told() -> None:
    whole = bytearray(gguf_file(Path("m.gguf")).read_bytes())
    for place in range(8, 200, 3):
        spoilt = bytearray(whole)
        spoilt[place : place + 8] = b"\xff" * 8
        Path("m.gguf").write_bytes(spoilt)
        try:
            assert read_head(Path("m.gguf")).parameters < 2**60
        except LoadError as error:
            assert "gguf" in str(error)


SPOILT = {
    "no JSON": ("{", "its config is no JSON object"),
    "a list": ("[]", "its config is no JSON object"),
    "deep": ('{"a":' * 100_000 + "1" + "}" * 100_000, "its config is no JSON object"),
    "huge": (" " * 17_000_000, "its config is no JSON object"),
    "binary": ("\x00\x01", "its config is no JSON object"),
    "strange types": ('{"model_type": 7, "hidden_size": "x", "num_hidden_layers": true, "architectures": 3}', ""),
    "no writer": ('{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}', "writes no text"),
    "mad numbers": ('{"model_type": "llama", "hidden_size": 1e400, "num_hidden_layers": -1, "vocab_size": 1}', ""),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_config_may_be_anything(how: str) -> None:
    content, said = SPOILT[how]
    checkpoint(Path("m"), content)
    entry = found()["m"]
    assert entry.problem.startswith(said) and bool(entry.problem) == bool(said)
    if entry.problem.startswith("its config"):
        with pytest.raises(LoadError, match="no config"):
            details(entry)
    else:
        assert details(entry).shape.layers is None


def test_weights_that_are_missing_cut_or_foreign_are_told() -> None:
    checkpoint(Path("none"), weights=False)
    (checkpoint(Path("foreign"), weights=False) / "tf_model.h5").write_bytes(b"x")
    parts = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    half = checkpoint(Path("half"), weights=False)
    (half / "model.safetensors.index.json").write_text(json.dumps(parts))
    (half / "model-1.safetensors").write_bytes(b"x")
    cut = checkpoint(Path("cut")) / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-5])
    told = found()
    assert told["none"].problem == "no weights (model.safetensors or pytorch_model.bin)"
    assert told["foreign"].problem.startswith("no weights that can be read safely (tf_model.h5")
    assert told["half"].problem == "half there: 1 of 2 files of its weights are missing"
    assert told["cut"].problem == "the weights are broken or cut short"


def test_a_hostile_name_is_only_a_name() -> None:
    for name in ("\x1b[31mred", "two\nlines", "‮override", os.fsdecode(b"no\xffutf8")):
        checkpoint(Path(name))
    assert {"\x1b[31mred", "two\nlines", "‮override", os.fsdecode(b"no\xffutf8")} <= set(found())


def test_looking_ends_whatever_lies_there() -> None:
    checkpoint(Path("a/real"))
    Path("a/loop").symlink_to(Path.cwd())
    Path("a/linked").symlink_to(Path("real"))
    Path("a/gone").symlink_to("nowhere")
    os.mkfifo("a/pipe.gguf")
    checkpoint(Path("1/2/3/4/5/too-deep"))
    checkpoint(Path(".hidden/m"))
    checkpoint(Path("a/tale.unfinished/best-3"))
    checkpoint(Path("a/real/checkpoint-5"))
    assert [path.name for path in found_below(Path.cwd())] == ["linked"]  # the same place by its first name
    assert [path.name for path in found_below(Path("a/real/config.json"))] == []
    assert [entry.kind for entry in entries()].count("folder") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_what_may_not_be_read_is_passed_over() -> None:
    checkpoint(Path("closed/m")).parent.chmod(0)
    checkpoint(Path("open/m"))
    try:
        assert [entry.kind for entry in entries()].count("folder") == 1
    finally:
        Path("closed").chmod(0o700)


def test_a_huge_folder_is_left_where_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.models import finding

    monkeypatch.setattr(finding, "_MOST", 50)
    for number in range(60):
        Path(f"d{number:02}").mkdir()
    checkpoint(Path("d59/m"))
    assert list(found_below(Path.cwd())) == []


def test_it_can_be_cancelled() -> None:
    for name in "abc":
        checkpoint(Path(name))
    seen: list[Entry] = []
    for entry in entries(cancelled=lambda: len(seen) > 2):
        seen.append(entry)
    assert len(seen) == 3


def test_models_are_remembered_newest_first() -> None:
    checkpoint(Path("m"))
    for name in ("embedded", "gpt2", "m", "gpt2"):
        remember(name)
    assert list(remembered()) == ["gpt2", str(Path("m").absolute()), "embedded"]
    before = time.time()
    remember("embedded")
    assert before <= next(entries()).last_used <= time.time()  # type: ignore[operator]
    assert found()["m"].last_used is not None


def test_what_was_loaded_before_is_found_wherever_it_is(tmp_path: Path) -> None:
    elsewhere = checkpoint(tmp_path / "elsewhere")
    remember(str(elsewhere))
    remember(str(tmp_path / "gone"))
    told = found()
    assert (told["elsewhere"].kind, told["elsewhere"].problem) == ("recent", "")
    assert (told["gone"].kind, told["gone"].problem) == ("recent", "is no longer there")


@pytest.mark.parametrize(
    "content", ["", "{", "{}", "[1]", '[{"name": 1}]', '[{"name": "x", "last_used": "y"}]', "[" * 100_000, "\x00"]
)
def test_a_broken_list_of_recent_ones_is_an_empty_one(content: str) -> None:
    recent_models().parent.mkdir(parents=True, exist_ok=True)
    recent_models().write_text(content)
    assert remembered() == {}
    assert next(entries()).kind == "embedded"
    remember("embedded")
    assert list(remembered()) == ["embedded"]


def in_cache(root: Path, repository: str, commit: str = "c" * 40, ref: str = "main") -> Path:
    """A model as the library lays it out."""
    folder = root / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / ref).write_text(commit)
    snapshot = checkpoint(folder / "snapshots" / commit)
    (folder / "blobs").mkdir(exist_ok=True)
    for number, file in enumerate(sorted(snapshot.iterdir())):
        blob = folder / "blobs" / f"{number}{commit}"
        file.rename(blob)
        file.symlink_to(Path("../../blobs") / blob.name)
    return snapshot


def test_the_hubs_cache(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    snapshot = in_cache(root, "some/whole")
    for file in snapshot.iterdir():
        os.utime(file, (1e9, 1e9))
    in_cache(root, "old", ref="v1")
    (in_cache(root, "half") / "model.safetensors").resolve().unlink()
    begun = root / "models--some--begun" / "blobs"
    begun.mkdir(parents=True)
    (begun / f"{'d' * 64}.incomplete").write_bytes(b"x" * 10)
    (root / "models--nonsense").write_text("a file")
    (root / "datasets--x--y" / "snapshots").mkdir(parents=True)
    told = {entry.name: entry for entry in entries() if entry.kind == "cache"}
    again = "half fetched: fetch it again to go on"
    assert {name: entry.problem for name, entry in told.items()} == {
        "some/whole": "",
        str(root / "models--old" / "snapshots" / ("c" * 40)): "",
        "half": again,
        "some/begun": again,
    }
    whole = told["some/whole"]
    assert (whole.family, whole.last_used, whole.path) == ("llama", 1e9, snapshot)
    assert whole.size_bytes == sum(file.stat().st_size for file in snapshot.iterdir())
    assert told["some/begun"].size_bytes == 10
    assert entry_of("some/whole") == whole
    assert details(whole).parameters == 32


def test_a_name_that_is_nothing_here_may_be_one_of_the_hub() -> None:
    assert entry_of("some/model") == Entry("some/model", "hub", None, "", 0)
    with pytest.raises(LoadError, match="no such file or folder"):
        entry_of("./nothing")


@needs_golden
def test_pickled_models_are_counted_once_torch_is_there() -> None:
    import transformers  # noqa: F401

    for name, parameters in (("ctrl", 138848), ("xlm", 56856), ("transfo-xl", 69771)):
        assert details(entry_of(str(GOLDEN / "checkpoints" / name))).parameters == parameters


def test_an_adapter_is_no_model_of_its_own() -> None:
    adapter = Path("poems")
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(LoadError, match="poems: an adapter, no model of its own"):
        engine.load("poems")


def test_a_current_folder_that_is_gone() -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").resolve().rmdir()
    assert next(entries()).kind == "embedded" and all(entry.kind != "folder" for entry in entries())
