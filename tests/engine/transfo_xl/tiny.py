"""Tiny Transformer-XLs with random weights, and a tokenizer of a few words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine.families.transfo_xl import register
from engine.families.transfo_xl.configuration import TransfoXLConfig
from engine.families.transfo_xl.family import TransfoXL
from engine.families.transfo_xl.model import TransfoXLLMHeadModel
from engine.families.transfo_xl.tokenizer import TransfoXLTokenizer
from engine.models.loaded import LoadedModel
from engine.runner.memory import MemoryRunner

torch.set_num_threads(1)
register()

WORDS = (
    "<eos>",
    "<unk>",
    "the",
    "river",
    ",",
    ".",
    "@,@",
    "@.@",
    "1",
    "500",
    "3",
    "5",
    "old",
    "keeper",
    '"',
    "<formula>",
)
VOCABULARY = 40
TEXT = (7, 12, 33, 2, 2, 39, 18, 25, 4, 11, 30, 6)


def config(**changed: Any) -> TransfoXLConfig:
    sizes: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "cutoffs": [10, 24],
        "d_model": 12,
        "d_embed": 8,
        "n_head": 2,
        "d_head": 5,
        "d_inner": 16,
        "div_val": 2,
        "n_layer": 2,
        "mem_len": 6,
        "clamp_len": 4,
        "dropout": 0.0,
    }
    return TransfoXLConfig(**(sizes | changed))


def model(dtype: torch.dtype = torch.float64, **changed: Any) -> TransfoXLLMHeadModel:
    """Large random weights everywhere, norms and biases too, so that nothing hides behind a zero or a one."""
    made = TransfoXLLMHeadModel(config(**changed))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return made.to(dtype).eval()


def write_vocabulary(folder: Path, symbols: Sequence[str] = WORDS) -> Path:
    file = folder / "vocab.json"
    file.write_text(json.dumps(list(symbols)), encoding="utf-8")
    return file


def loaded(made: TransfoXLLMHeadModel, folder: Path) -> LoadedModel:
    """As `engine.load` gives it; words beyond those that have a meaning here are made up."""
    words = [*WORDS, *(f"word{i}" for i in range(VOCABULARY - len(WORDS)))]
    tokenizer = TransfoXLTokenizer(str(write_vocabulary(folder, words)))
    ready = LoadedModel("tiny", "", TransfoXL(), made, tokenizer)
    ready.__dict__["runner"] = MemoryRunner(made)
    return ready
