"""A model that writes exactly what it is told, whatever the sampling: for tests of what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.models import END, VOCABULARY, byte_level_tokenizer, loaded, saved


def scripted(folder: Path, prompt: str, writes: str | Sequence[int], *, then: int = END) -> Path:
    """A checkpoint that writes `writes` after `prompt`, then the token `then` for ever.

    Each position's own vector points to the token that is to come, and nothing else in the model says anything.
    """
    tokenizer = byte_level_tokenizer()
    ids = tokenizer.encode(writes) if isinstance(writes, str) else list(writes)
    start = len(tokenizer.encode(prompt))
    config = GPT2Config(
        n_layer=1,
        n_head=1,
        n_embd=VOCABULARY,
        n_positions=start + len(ids) + 64,
        vocab_size=VOCABULARY,
        bos_token_id=END,
        eos_token_id=END,
    )
    model = GPT2LMHeadModel(config)
    body = model.transformer
    with torch.no_grad():
        for name, weights in body.h.named_parameters():
            weights.fill_(1.0 if name.endswith(("ln_1.weight", "ln_2.weight")) else 0.0)
        body.wte.weight.copy_(0.1 * torch.eye(VOCABULARY))
        body.ln_f.weight.fill_(100.0)
        body.wpe.weight.zero_()
        for position in range(config.n_positions):
            place = position - start + 1
            body.wpe.weight[position, ids[place] if 0 <= place < len(ids) else then] = 10.0
    return saved(loaded(model), folder)
