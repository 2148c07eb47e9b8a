"""Estimates against the models themselves, loaded; and what has no room is refused before it is read."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

import engine
from engine.errors import Cancelled, LoadError
from engine.events import Progress
from engine.models import estimate as estimating
from engine.models import load as loading
from engine.models.catalogue import details, entry_of
from engine.models.details import Details
from engine.models.dtypes import DTYPES
from engine.models.estimate import check_room, checked_dtype, estimate, free_memory, precision_for
from engine.models.loaded import LoadedModel
from engine.models.placement import memory_free, pick_dtype
from engine.models.shape import Shape, shape_of
from engine.quantities import bytes_text
from tests.models import golden_model, saved, tiny_gpt2, tiny_mistral
from tests.paths import GOLDEN, needs_golden

NAMES = ["gpt2", "gpt2-assistant", "llama", "openai-gpt", "ctrl", "xlnet", "xlm", "xlm-noncausal", "transfo-xl"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(saved(tiny_gpt2(), tmp_path_factory.mktemp("tiny")))


def kept(model: LoadedModel, tokens: int) -> int:
    """The bytes of a text's cache, as it is."""
    model.runner.reset()
    model.runner.prefill(list(range(5, 5 + tokens)))
    shape = model.runner.cache_shape()
    return shape.bytes if shape else 0


@needs_golden
@pytest.mark.parametrize("name", [*NAMES, "transfo-xl-div4"])
def test_weights_and_cache_are_those_of_the_loaded_model(name: str) -> None:
    model = golden_model(name)
    known = details(entry_of(str(GOLDEN / "checkpoints" / name)))
    told = estimate(known, "float32", length=40)
    assert (known.parameters, told.weights_bytes) == (model.parameters, model.weight_bytes)
    assert (told.cache_bytes, told.length) == (kept(model, 40), 40)
    assert told.cache_bytes_per_token == kept(model, 11) - kept(model, 10)
    assert (known.shape.positions, known.shape.vocabulary) == (model.positions, model.vocabulary_size)
    assert known.family == model.family.name
    assert estimate(known, "bfloat16", length=40).weights_bytes * 2 == model.weight_bytes
    assert estimate(known, "float32", length=40, sequences=3).cache_bytes == 3 * kept(model, 40)


def test_the_embedded_model() -> None:
    model = engine.load(None, device="cpu")
    told = estimate(details(entry_of("embedded")))
    assert (told.weights_bytes, told.length) == (model.weight_bytes, model.positions)
    assert told.cache_bytes == model.positions * told.cache_bytes_per_token == kept(model, 64) * 8  # type: ignore[operator]
    assert told.fits and told.tokens == 512
    weights = bytes_text(model.weight_bytes)
    assert told.text.startswith(f"weights {weights} in float32; cache 6.29 MB at 512 tokens (12.3 kB a token); ")


def test_a_window_is_all_that_a_sliding_layer_keeps(tmp_path: Path) -> None:
    model = tiny_mistral(window=8)
    known = details(entry_of(str(saved(model, tmp_path))))
    assert known.parameters == model.parameters
    for tokens in (4, 7, 20, 40):
        one = known.shape.row * known.shape.sliding * 4  # type: ignore[operator]
        assert 0 <= estimate(known, length=tokens).cache_bytes - kept(model, tokens) <= one  # type: ignore[operator]


def test_what_a_config_does_not_say_is_not_guessed() -> None:
    told = estimate(Details(1000, 250, "float32", shape_of({"model_type": "mamba", "hidden_size": 8})), free_bytes=2000)
    assert (told.weights_bytes, told.cache_bytes, told.cache_bytes_per_token, told.tokens) == (1000, None, None, None)
    assert told.fits and told.text == "weights 1 kB in float32; 2 kB free"
    about = estimate(Details(1000, None, "float16"), "float32", free_bytes=5000)
    assert about.weights_bytes == 2000 and "about 2 kB" in about.text


SHAPES: dict[str, tuple[dict[str, Any], int]] = {
    "multi-query": ({"model_type": "falcon", "hidden_size": 64, "n_layer": 2, "n_head": 8, "multi_query": True}, 32),
    "in a text config": ({"text_config": {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2}}, 48),
    "head_dim apart": ({"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 16}, 64),
    "every other slides": (
        {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1, "sliding_window": 4}
        | {"layer_types": ["sliding_attention", "full_attention"]},
        16,
    ),
    "a window that is off": (
        {"model_type": "mistral", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1}
        | {"sliding_window": 4, "use_sliding_window": False},
        32,
    ),
}


@pytest.mark.parametrize("how", SHAPES)
def test_numbers_kept_of_a_token_far_into_a_text(how: str) -> None:
    config, numbers = SHAPES[how]
    shape = shape_of(config)
    assert shape.kept(101) - shape.kept(100) == numbers  # type: ignore[operator]


def test_what_fits() -> None:
    shape = Shape("llama", positions=1000, layers=1, row=10, whole=1)
    known = Details(4000, 1000, "float32", shape)
    for free, fits, tokens, said in (
        (44_000, True, 1000, "44 kB free"),
        (43_999, False, 999, "room for 999 tokens"),
        (4_000, False, 0, "room for 0 tokens"),
        (3_999, False, 0, "no room for the weights"),
    ):
        told = estimate(known, "float32", free_bytes=free)
        assert (told.fits, told.tokens) == (fits, tokens)
        assert said in told.text
    assert estimate(known, "float32", free_bytes=5_000, length=25).fits
    assert estimate(known, device="cuda").fits and estimate(known, device="cuda").free_bytes is None


def test_a_quantized_model_keeps_its_embedding() -> None:
    known = Details(0, 1000, "float16", Shape(vocabulary=10, width=20))
    assert estimate(known, "8bit").weights_bytes == 800 + 400
    assert estimate(known, "4bit").weights_bytes == 400 + 400


def test_auto_is_what_loading_makes_of_it() -> None:
    for device in ("cpu", "mps"):
        for parameters in (1000, 10**9):
            assert precision_for(device, parameters) == str(pick_dtype("auto", torch.device(device), parameters))[6:]
    assert all(checked_dtype(name) == name for name in DTYPES)
    with pytest.raises(LoadError, match="dtype int4: must be one of auto"):
        checked_dtype("int4")


def test_free_memory_heeds_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimating, "_CGROUP", tmp_path)
    machine = free_memory()
    assert machine > 0 and memory_free(torch.device("cpu")) is not None
    (tmp_path / "memory.current").write_text("5000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 1000\n")
    for most, free in (("6000\n", 2000), ("max\n", None), ("3000\n", 0)):
        (tmp_path / "memory.max").write_text(most)
        assert free_memory() == free if free is not None else free_memory() > 6000


def test_weights_without_room_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tiny_gpt2(), tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"never looked at")
    monkeypatch.setattr(loading, "memory_free", lambda _: 1000)
    with pytest.raises(LoadError) as error:
        engine.load(str(folder), device="cpu")
    size = sum(weight.numel() * 4 for weight in tiny_gpt2().model.parameters())
    assert f"no room: its weights take {size / 1000:.3g} kB and cpu has 1 kB free; try" in str(error.value)
    check_room(10, None, "mps")


class Watched:
    """Refers weakly to every model that is made while it is there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.models: list[weakref.ref[Any]] = []
        made = loading.AutoModelForCausalLM.from_pretrained

        def watched(*args: Any, **options: Any) -> Any:
            found = made(*args, **options)
            self.models.append(weakref.ref(found[0] if isinstance(found, tuple) else found))
            return found

        monkeypatch.setattr(loading.AutoModelForCausalLM, "from_pretrained", watched)

    @property
    def alive(self) -> int:
        gc.collect()
        return sum(each() is not None for each in self.models)


@pytest.mark.parametrize(
    "stage", ["looking for the model", "reading the weights", "reading the tokenizer", "warming up"]
)
def test_a_load_is_cancelled_at_any_stage_and_leaves_nothing(
    stage: str, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)

    def report(progress: Progress) -> None:
        if progress.stage == stage:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough") as error:
        engine.load(tiny, device="cpu", progress=report)
    assert not watched.alive  # though the error is held
    assert bool(watched.models) == (stage in ("reading the tokenizer", "warming up"))
    del error
    assert engine.load(tiny, device="cpu").name == tiny


def test_out_of_memory_leaves_nothing_of_what_was_loaded(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)

    def full(_: Any, *args: Any, **options: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")

    monkeypatch.setattr(LoadedModel, "runner", property(full))
    with pytest.raises(LoadError, match="no room on cpu; try a smaller model") as error:
        engine.load(tiny, device="cpu")
    assert len(watched.models) == 1 and not watched.alive
    assert error.value.__cause__ is not None
