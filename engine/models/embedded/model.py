"""The network, its optimisers, and its loss."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the customary name
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from engine.models.embedded.recipe import Recipe


def build_model(recipe: Recipe, vocabulary: int) -> GPT2LMHeadModel:
    """A GPT-2 with tied embeddings and fresh weights drawn from the recipe's seed, on the CPU:
    so a run starts from the same ones on any device.

    `vocabulary` is the tokenizer's own size: a small corpus may give fewer tokens than asked for.
    """
    torch.manual_seed(recipe.seed)
    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=recipe.context,
        n_embd=recipe.width,
        n_layer=recipe.layers,
        n_head=recipe.heads,
        # The run sees its text about once: dropout would only slow it, and need its own random state.
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config)


def build_optimisers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for embeddings (decayed) and vectors (not decayed)."""
    hidden, embeddings, vectors = [], [], []
    for name, weight in model.named_parameters():
        if weight.ndim < 2:
            vectors.append(weight)
        elif "wte" in name or "wpe" in name:
            embeddings.append(weight)
        else:
            hidden.append(weight)
    muon = torch.optim.Muon(
        hidden,
        lr=recipe.muon_rate,
        momentum=recipe.muon_momentum,
        weight_decay=recipe.muon_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    adam = torch.optim.AdamW(
        [
            {"params": embeddings, "weight_decay": recipe.embedding_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.adam_rate,
        betas=recipe.adam_betas,
    )
    optimisers: list[torch.optim.Optimizer] = [muon, adam]
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return optimisers


def set_rate(optimisers: list[torch.optim.Optimizer], share: float) -> None:
    """Set every learning rate to `share` of its peak."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = share * group["peak"]


def predict(model: Any, windows: torch.Tensor, bfloat16: bool) -> torch.Tensor:
    """Logits of shape (batch, length, vocabulary) for all but the last of the int64 ids of `windows`, which have the
    shape (batch, length + 1) and are on the model's device."""
    with torch.autocast(windows.device.type, dtype=torch.bfloat16) if bfloat16 else nullcontext():
        logits: torch.Tensor = model(input_ids=windows[:, :-1], use_cache=False).logits
    return logits


def next_token_loss(logits: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of what `predict` gave for `windows`, in nats a token."""
    return F.cross_entropy(logits.flatten(0, 1).float(), windows[:, 1:].flatten())


@torch.no_grad()
def evaluate(model: nn.Module, windows: torch.Tensor, recipe: Recipe) -> float:
    """Mean loss of `windows` in nats a token, a batch at a time; NaN if there are none."""
    if not len(windows):
        return float("nan")
    model.eval()
    parts = torch.split(windows, recipe.batch)
    losses = [next_token_loss(predict(model, part, recipe.bfloat16), part).item() * len(part) for part in parts]
    model.train()
    return sum(losses) / len(windows)
