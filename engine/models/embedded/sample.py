"""Letting a model write: to see with one's own eyes what it learned, and to measure it."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

OPENINGS = (
    "Two roads diverged in a yellow wood, and",
    "Dear Sir,",
    "The future of",
    "She opened the letter and",
    "Why do birds sing in the morning?",
    '"Where have you been?" asked',
    "Rain",
    "Once upon a time",
    "It was a dark and stormy night;",
    "My grandmother always said that",
    "In the year 2150,",
    "I have never told anyone this, but",
    "The ship had been at sea for forty days when",
    "To make a good soup,",
    "Yesterday I bought a new phone, and",
)
"""Of many kinds, most of them met nowhere in training."""


def continuations(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    opening: str,
    *,
    seed: int,
    temperature: float = 0.8,
    length: int = 120,
    count: int = 1,
) -> list[str]:
    """What the model writes after `opening`, `count` times, each up to `length` tokens.

    The library's own sampling with no token ruled out. The tokenizer puts the end-of-text token before the
    opening; another one ends a text, as the end of the context does. Leaves torch's random state as it was.
    """
    context = int(model.config.n_positions)
    ids = tokenizer.encode(opening).ids[: context // 2]
    prompt = torch.tensor([ids], device=model.device)
    gpus = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        torch.manual_seed(seed)
        written = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=True,
            temperature=temperature,
            top_k=0,
            top_p=1.0,
            max_new_tokens=min(length, context - len(ids)),
            num_return_sequences=count,
            eos_token_id=0,
            pad_token_id=0,
        )
    return [tokenizer.decode(row[len(ids) :].tolist()) for row in written]
