"""Weights in few bits, and weights over several devices: what was asked for is what there is, or it is refused."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

import engine
from engine.errors import EngineError, LoadError
from engine.models import precision
from engine.models.precision import counted, planned
from engine.models.spread import Place, device_map, pick_place
from engine.scoring import score_text
from engine.settings import Settings
from tests.models import GREEDY, end, golden_model, loaded, play, saved, tiny_gpt2
from tests.paths import GOLDEN, needs_golden

TEXT = "Once upon a time there was an old man who lived by the sea with his wife."
GPU = Place(torch.device("cuda", 0), "where needed")
needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="needs the extra quantize"
)


# In few bits


def test_without_the_library_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    for name in ("8bit", "4bit"):
        with pytest.raises(EngineError, match=rf"dtype {name} takes the library bitsandbytes.*the extra quantize"):
            engine.load(str(saved(tiny_gpt2(), tmp_path)), dtype=name)
    with pytest.raises(LoadError, match=r"must be one of auto, .*8bit, 4bit"):
        engine.load(str(tmp_path), dtype="int3")


def _in_int8(model: GPT2LMHeadModel, share: int) -> GPT2LMHeadModel:
    """As a quantizer leaves it that reached only so many of the eight matrices."""
    matrices = [weight for weight in model.transformer.h.parameters() if weight.dim() > 1]
    assert len(matrices) == 8
    for weight in matrices[:share]:
        weight.requires_grad = False
        weight.data = torch.zeros_like(weight, dtype=torch.int8)
    return model


def test_a_quantizer_that_left_the_matrices_as_they_were_is_refused() -> None:
    plan = precision.Plan("8bit", torch.float32, {})
    untouched = tiny_gpt2().model
    with pytest.raises(LoadError, match="nothing of this model would be quantized"):
        plan.settle(untouched)
    few, left = counted(untouched)
    assert few == 0 and left == sum(w.numel() for w in untouched.transformer.h.parameters() if w.dim() > 1)
    with pytest.raises(LoadError, match=r"only \d+% of this model's matrices"):
        plan.settle(_in_int8(untouched, 2))
    with pytest.raises(LoadError, match="cannot compute with layers of such sizes"):
        plan.settle(_in_int8(untouched, 8))  # there is nothing that multiplies by them


@needs_bitsandbytes
@pytest.mark.parametrize(("bits", "part", "alike"), [("8bit", 0.27, 0.999), ("4bit", 0.17, 0.95)])
def test_the_embedded_model_in_few_bits(
    bits: str, part: float, alike: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole, small = engine.load(None, device="cpu"), engine.load(None, device="cpu", dtype=bits)
    assert small.dtype == bits == small.identity()["dtype"] and small.parameters == whole.parameters
    planning = planned(bits, Place(torch.device("cpu")), whole.model).bytes
    assert planning <= small.weight_bytes < 1.1 * planning, "the scales of the blocks come to it"
    embeddings = sum(table.weight.nbytes for table in (whole.model.transformer.wte, whole.model.transformer.wpe))
    assert counted(small.model)[1] == 0
    assert small.weight_bytes - embeddings < part * (whole.weight_bytes - embeddings), "embeddings stay as they are"
    tied = small.model.get_output_embeddings().weight
    assert tied is small.model.get_input_embeddings().weight and tied.dtype == torch.float32
    ids = torch.tensor([whole.tokenizer.encode(TEXT)])
    with torch.no_grad():
        before, after = (model.model(ids).logits[0] for model in (whole, small))
    assert torch.corrcoef(torch.stack([before.flatten(), after.flatten()]))[0, 1] > alike
    assert (before.argmax(-1) == after.argmax(-1)).float().mean() > 0.7
    settings = Settings(max_new_tokens=12)
    once = end(play(small, TEXT, settings)).sequences
    small.runner.reset()
    assert end(play(small, TEXT, settings)).sequences == once
    assert len(score_text(small, TEXT, settings).scores) > 10
    assert capfd.readouterr() == ("", ""), "the library writes nothing to the terminal"
    assert logging.getLogger("bitsandbytes").getEffectiveLevel() >= logging.ERROR


@needs_bitsandbytes
@needs_golden
@pytest.mark.parametrize("name", ["gpt2", "openai-gpt", "ctrl", "llama", "xlm", "xlm-noncausal", "transfo-xl"])
def test_every_family_in_8_bits(name: str) -> None:
    whole = golden_model(name)
    small = engine.load(str(GOLDEN / "checkpoints" / name), device="cpu", dtype="8bit")
    few, left = counted(small.model)
    assert few > 10 * left and small.weight_bytes < whole.weight_bytes and small.parameters == whole.parameters
    ids = torch.arange(5, 21)[None]
    with torch.no_grad():
        before, after = (model.model(ids).logits.flatten() for model in (whole, small))
    assert torch.corrcoef(torch.stack([before, after]))[0, 1] > 0.9


@needs_bitsandbytes
@needs_golden
def test_what_cannot_be_had_is_refused() -> None:
    with pytest.raises(LoadError, match=r"only \d+% of this model's matrices"):
        engine.load(str(GOLDEN / "checkpoints" / "xlnet"), device="cpu", dtype="8bit")


# Over several devices


def _gpus(monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(free))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (free[number], 10**12))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)


def test_where_the_weights_go(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = AutoModelForCausalLM.from_config(tiny_gpt2().model.config)
    size = bare.num_parameters()
    _gpus(monkeypatch, 1000, 2000)
    alone = {"device_map": {"": torch.device("cuda", 0)}}
    spread = {"device_map": "auto", "max_memory": {0: 900, 1: 1800}}
    assert device_map(GPU, 900) == alone and device_map(GPU, 901) == spread
    assert device_map(Place(torch.device("cuda", 1)), 5000) == {"device_map": {"": torch.device("cuda", 1)}}, "as told"
    assert device_map(pick_place("all"), 10) == spread
    assert device_map(pick_place("cpu"), 10**9) == {}
    assert pick_place("auto").spread == "where needed" and pick_place("cuda:1").spread == "never"
    with pytest.raises(LoadError, match=r"no room: .* on 2 GPUs"):
        device_map(GPU, 2701)
    _gpus(monkeypatch, 4 * size, 4 * size)
    assert planned("float32", GPU, bare).options["device_map"] == "auto"
    assert planned("float16", GPU, bare).options["device_map"] == {"": GPU.device}
    assert planned("8bit", GPU, bare).options["device_map"] == {"": GPU.device}
    _gpus(monkeypatch, 1000)
    assert device_map(pick_place("all"), 10) == alone, "one GPU is all there is"
    _gpus(monkeypatch)
    with pytest.raises(LoadError, match="device all: there is no GPU"):
        pick_place("all")


def test_a_model_in_two_places_writes_what_it_writes_in_one(tmp_path: Path) -> None:
    """No machine of the tests has two GPUs: half of the layers lie on the disk and are fetched as accelerate does."""
    whole = tiny_gpt2()
    folder = saved(whole, tmp_path / "model")
    parts: dict[str, Any] = {f"transformer.{name}": "cpu" for name in ("wte", "wpe", "drop", "h.0")}
    parts |= {"lm_head": "cpu", "transformer.h.1": "disk", "transformer.ln_f": "disk"}
    split = loaded(
        GPT2LMHeadModel.from_pretrained(folder, device_map=parts, offload_folder=tmp_path / "disk", dtype=torch.float32)
    )
    assert next(split.model.transformer.h[1].parameters()).device.type == "meta"
    assert split.place == "all" == split.identity()["device"] and split.device == torch.device("cpu")
    assert whole.place == "cpu"
    for settings in (
        GREEDY,
        Settings(max_new_tokens=12, num_return_sequences=2),
        GREEDY.changed(strategy="beam", num_beams=3),
    ):
        assert end(play(split, settings=settings)).sequences == end(play(whole, settings=settings)).sequences
