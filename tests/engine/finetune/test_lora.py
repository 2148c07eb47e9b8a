"""A LoRA: an adapter as peft reads it, over a base that stays as it was."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.finetune.events import Failed, Finished
from engine.finetune.loop import finetune
from engine.models.loaded import LoadedModel
from tests.engine.finetune.tuning import OF_ITS_KIND, job, started, tuned
from tests.models import saved


def sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@torch.no_grad()
def test_it_loads_by_peft_and_leaves_the_base_as_it_was(
    text: Path, tmp_path: Path, out: Path, shared_gpt2: LoadedModel
) -> None:
    base = saved(shared_gpt2, tmp_path / "base")
    before = sums(base)
    with torch.enable_grad():
        events = tuned(job(base, text, out, lora=True, rank=4, steps=30, learning_rate=2e-2))
    end = events[-1]
    assert isinstance(end, Finished) and end.adapter and end.held_out_loss < end.base_loss - 0.2
    begun = started(events)
    assert 0 < begun.trainable < begun.parameters and begun.settings["rank"] == 4
    assert sums(base) == before
    assert not list(out.glob("model*.safetensors")) and {path.stat().st_mode & 0o777 for path in out.iterdir()} == {
        0o644
    }
    plain = AutoModelForCausalLM.from_pretrained(base).eval()
    ids = torch.tensor([shared_gpt2.tokenizer.encode(OF_ITS_KIND)])
    of_base = plain(ids).logits
    over = peft.PeftModel.from_pretrained(plain, out).eval()
    assert not torch.allclose(over(ids).logits, of_base, atol=1e-2)
    assert over(input_ids=ids, labels=ids).loss < shared_gpt2.model(input_ids=ids, labels=ids).loss
    with over.disable_adapter():
        assert torch.equal(over(ids).logits, of_base)
    again = peft.AutoPeftModelForCausalLM.from_pretrained(out).eval()
    assert torch.equal(again(ids).logits, over(ids).logits)
    card = (out / "README.md").read_text()
    assert "library_name: peft" in card and "A LoRA (rank 4) for `base`" in card and str(tmp_path) not in card


def test_without_peft_it_is_told_what_to_install(
    base: Path, text: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    end = list(finetune(job(base, text, out, lora=True)))[-1]
    assert isinstance(end, Failed) and "fine-tuning a LoRA takes the library peft" in end.error
    assert "pip install peft (the extra finetune)" in end.error
