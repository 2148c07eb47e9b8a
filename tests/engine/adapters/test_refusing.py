"""What cannot be added to a model is refused in one line, before anything of the model is changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import LoadError
from engine.events import Failed, Noted
from engine.models.loaded import LoadedModel
from tests.adapters import attached, lora, named, own
from tests.models import GREEDY, golden_model, ids, play, tiny_gpt2, tiny_mistral
from tests.paths import needs_golden

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return tiny_gpt2()


@pytest.fixture(scope="module")
def good(model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lora(tmp_path_factory.mktemp("good") / "poems", model, ["c_attn", "c_fc"])


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    """A good one, to be spoilt."""
    return Path(shutil.copytree(good, tmp_path / "poems"))


def configured(**fields: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = folder / CONFIG
        file.write_text(json.dumps(json.loads(file.read_text()) | fields))

    return spoil


def weighted(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)

    return spoil


def pickled(what: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        torch.save(what, folder / "adapter_model.bin")

    return spoil


class Code:
    """Its pickle would call something."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("/tmp/was-run"),)


SPOILT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no folder": (shutil.rmtree, "no such folder, and not in the hub's cache"),
    "no config": (lambda folder: (folder / CONFIG).unlink(), "no adapter_config.json in this folder"),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "no weights in its folder"),
    "no json": (lambda folder: (folder / CONFIG).write_text("{"), "adapter_config.json is no JSON"),
    "deep json": (lambda folder: (folder / CONFIG).write_text("[" * 100_000), "adapter_config.json is no JSON"),
    "a list": (lambda folder: (folder / CONFIG).write_text("[]"), "adapter_config.json is no object"),
    "binary": (lambda folder: (folder / CONFIG).write_bytes(b"\xff\0"), "adapter_config.json line 1: no UTF-8"),
    "another kind": (configured(peft_type="PREFIX_TUNING"), "of kind PREFIX_TUNING, and only LORA"),
    "whole modules": (configured(modules_to_save=["lm_head"]), r"whole modules of its own \(modules_to_save\)"),
    "tokens": (configured(trainable_token_indices=[1]), "embeddings of its own"),
    "biases": (configured(bias="all"), "the model's own biases anew"),
    "pissa": (configured(init_lora_weights="pissa"), r"its training changed \(init_lora_weights pissa\)"),
    "newer": (configured(use_wonder=True), "it needs use_wonder, which is not known here"),
    "no rank": (configured(r=0), "a rank in its adapter_config.json is no whole number above 0"),
    "a rank of true": (configured(rank_pattern={"c_fc": True}), "a rank in its"),
    "no alpha": (configured(lora_alpha=None), "an alpha in its"),
    "a rank for one": (configured(rank_pattern={"c_fc": 10**9}), "its config says rank 1000000000, its weights 4"),
    "a lie": (configured(r=10**9), "its config says rank 1000000000, its weights 4"),
    "another rank": (configured(r=5), "its config says rank 5, its weights 4"),
    "lost": (configured(target_modules=["c_attn", "c_fc", "c_proj"]), "no weights for c_proj, which its config lists"),
    "cut": (lambda folder: (folder / WEIGHTS).write_bytes(b"x" * 90), "its weights file is broken or cut short"),
    "nothing": (weighted(lambda _: {}), "holds no LoRA"),
    "half": (weighted(lambda w: {k: v for k, v in w.items() if "lora_A" in k}), "lacks one of its two matrices"),
    "other names": (weighted(lambda w: {f"x{k}": v for k, v in w.items()}), "there is no xbase_model"),
    "too wide": (weighted(lambda w: {k: v.repeat(1, 1 + ("lora_A" in k)) for k, v in w.items()}), "goes from 16 to"),
    "more": (weighted(lambda w: w | {"wte.weight": torch.ones(300, 16)}), "brings wte.weight, which is no part of"),
    "code": (pickled({"a": Code()}), "no plain data: nothing was run"),
    "no tensors": (pickled({"a": 1}), "holds more than tensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_it_is_refused_in_one_line(model: LoadedModel, folder: Path, name: str) -> None:
    spoil, said = SPOILT[name]
    spoil(folder)
    plain = repr(model.model)
    (failed,) = [
        e for e in play(model, settings=GREEDY.changed(adapters=named((folder, 1.0)))) if isinstance(e, Failed)
    ]
    assert failed.error.startswith("adapter ") and "\n" not in failed.error
    with pytest.raises(LoadError, match=said):
        model.mix(named((folder, 1.0)))
    assert (repr(model.model), attached(model)) == (plain, set())
    assert not Path("/tmp/was-run").exists()


def test_a_pickle_of_plain_tensors_is_taken(good: Path, folder: Path) -> None:
    model = tiny_gpt2()
    wanted = ids(play(model, settings=GREEDY.changed(adapters=named((good, 1.0)))))
    pickled(load_file(folder / WEIGHTS))(folder)
    assert ids(play(model, settings=GREEDY.changed(adapters=named((folder, 1.0))))) == wanted != ids(play(model))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (tiny_mistral, "it is for another model: there is no transformer.h.0.attn.c_attn in this one"),
        (lambda: tiny_gpt2(n_layer=1), "there is no transformer.h.1.attn.c_attn in this one"),
        (lambda: tiny_gpt2(n_embd=32), "it does not fit this model: transformer.h.0.attn.c_attn goes from 32 to 96"),
    ],
)
def test_an_adapter_for_another_base_is_refused(good: Path, other: Callable[[], LoadedModel], said: str) -> None:
    with pytest.raises(LoadError, match=said):
        other().mix(named((good, 1.0)))


def test_one_that_says_it_is_for_another_but_fits_is_taken_with_a_word(model: LoadedModel, folder: Path) -> None:
    configured(base_model_name_or_path="somebody/else")(folder)
    events = play(model.apart(), settings=GREEDY.changed(adapters=named((folder, 1.0))))
    told = [event.note.text for event in events if isinstance(event, Noted) and event.note.code == "adapter-base"]
    assert len(told) == 1 and told[0].endswith("fits this model, and says that it was made for somebody/else.")
    configured(base_model_name_or_path="some/where/tiny")(folder)
    events = play(model.apart(), settings=GREEDY.changed(adapters=named((folder, 1.0))))
    assert not [event for event in events if isinstance(event, Noted) and event.note.code == "adapter-base"]


def test_the_same_folder_by_two_names_is_refused(model: LoadedModel, folder: Path) -> None:
    with pytest.raises(LoadError, match="the same folder is named twice"):
        model.mix(named((folder, 1.0), (folder / ".." / "poems", 0.5)))


def test_a_repository_is_taken_from_the_hub_s_cache_and_never_fetched(
    model: LoadedModel, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: pytest.fail("the hub was asked"))
    repository = tmp_path / "models--some--poems"
    with pytest.raises(
        LoadError, match=r"not in the hub's cache; if it is one of .*: textgen-tui models fetch some/poems"
    ):
        model.mix("some/poems=0.5")
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123abcd")
    shutil.copytree(good, repository / "snapshots" / "0123abcd")
    ((adapter, scale),) = model.mix("some/poems=0.5").active
    assert (adapter.files.name, scale) == ("some/poems", 0.5)
    (repository / "snapshots" / "0123abcd" / WEIGHTS).unlink()
    with pytest.raises(LoadError, match="no weights in its folder"):
        model.mix("some/poems=0.5")


def test_of_a_mix_that_cannot_be_had_nothing_stays(good: Path, folder: Path) -> None:
    model = tiny_gpt2()
    plain = repr(model.model)
    configured(r=8)(folder)
    for other in ("nowhere", named((folder, 1.0)), named((good / "..", 1.0))):
        with pytest.raises(LoadError):
            model.mix(f"{named((good, 1.0))}, {other}")
        assert (repr(model.model), attached(model)) == (plain, set())


@needs_golden
def test_one_that_would_do_nothing_is_refused(tmp_path: Path) -> None:
    """The adaptive softmax cuts its weights into clusters, past the module that they lie in."""
    model = own(golden_model("transfo-xl"))
    folder = lora(tmp_path / "one", model, ["crit.out_layers.0"])
    with pytest.raises(LoadError, match="it would do nothing: this model reads the weights of crit"):
        model.mix(named((folder, 1.0)))
    assert not attached(model)
