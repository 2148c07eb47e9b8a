"""Letting a model write: for the card, and to see with one's own eyes what it learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from engine.releases import CACHE

OPENINGS = (
    "Once upon a time",
    "Two roads diverged in a yellow wood, and",
    "Dear Sir,",
    "She opened the letter and",
    "What is the moon?",
    "Rain",
)


def samples(
    model: GPT2LMHeadModel,
    tokenizer: Tokenizer,
    openings: Sequence[str],
    *,
    seed: int,
    temperature: float = 0.8,
    length: int = 120,
) -> Iterator[tuple[str, str]]:
    """Carry on each opening once by up to `length` tokens, as (opening, continuation).

    Plain sampling at `temperature`, with no tokens ruled out; the tokenizer puts the end-of-text
    token before the opening; it stops the text, as the end of the context does.
    """
    generator = torch.Generator().manual_seed(seed)
    for opening in openings:
        context = model.config.n_positions
        prompt = tokenizer.encode(opening).ids[: context // 2]
        room = min(length, context - len(prompt))
        written = list(_tokens(model, prompt, room, temperature, generator))
        yield opening, tokenizer.decode(written)


@torch.no_grad()
def _tokens(
    model: GPT2LMHeadModel, ids: Sequence[int], length: int, temperature: float, generator: torch.Generator
) -> Iterator[int]:
    step = torch.tensor([ids])
    cache = None
    for _ in range(length):
        output = model(input_ids=step, **{CACHE: cache}, use_cache=True)
        cache = output[CACHE]
        chances = (output.logits[0, -1].float() / temperature).softmax(-1)
        token = int(torch.multinomial(chances, 1, generator=generator))
        if token == 0:
            return
        yield token
        step = torch.tensor([[token]])
