"""What a run begins with when it does not begin with nothing: the model that an earlier run finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

from engine.models.embedded.checkpoint import WEIGHTS
from engine.models.embedded.corpus import TextFile
from engine.models.embedded.history import History, read_history
from engine.models.embedded.recipe import Recipe, TrainingError
from engine.models.fingerprint import file_sum

KEPT = ("vocabulary", "context", "width", "layers", "heads", "held_out_every")
"""Settings that cannot change from run to run: the sizes of the model, and which text it has never seen."""


@dataclass(frozen=True, slots=True)
class Start:
    """The finished model that a run goes on from."""

    model: GPT2LMHeadModel
    """In float32, on the CPU."""
    tokenizer: Tokenizer
    weights: str
    """SHA-256 of its weights."""
    history: History


def recipe_of(folder: Path) -> Recipe:
    """The recipe of the last run that made the model in `folder`. Raises TrainingError."""
    return read_history(folder)[-1].recipe


def read_start(folder: Path, recipe: Recipe, files: Sequence[TextFile]) -> Start:
    """Open the model in `folder`, to go on with `recipe` on `files`.

    Raises TrainingError if it is none of the script's, damaged or of another size, or if it learned from another text
    under the name of one of these: which documents it has never seen could not be told any more.
    """
    history = read_history(folder)
    last = history[-1]
    for name in KEPT:
        old, new = getattr(last.recipe, name), getattr(recipe, name)
        if old != new:
            raise TrainingError(f"{folder} cannot go on so: its {name} is {old}, this run's is {new}")
    for file in files:
        if any(run.texts.get(file.name, file.sha256) != file.sha256 for run in history):
            raise TrainingError(f"{folder} learned from another {file.name}: give the same text, or another name")
    try:
        weights = file_sum(folder / WEIGHTS)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        model, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except Exception as error:  # the libraries raise many kinds, bare ones among them, all meaning the same
        raise TrainingError(f"{folder} cannot be read: {type(error).__name__}") from error
    if loading["missing_keys"] or loading["unexpected_keys"] or not isinstance(model, GPT2LMHeadModel):
        raise TrainingError(f"{folder} does not hold the weights of a whole GPT-2")
    config = model.config
    sizes = (tokenizer.get_vocab_size(), recipe.context, recipe.width, recipe.layers, recipe.heads)
    if sizes != (config.vocab_size, config.n_positions, config.n_embd, config.n_layer, config.n_head):
        raise TrainingError(f"{folder} is not of the size that its history tells")
    return Start(model, tokenizer, weights, history)
