"""A model of so few words that everything it could write can be tried out."""

from __future__ import annotations

from functools import cache
from itertools import product

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from engine.models.loaded import LoadedModel
from tests.models import loaded

WORDS = 4
PROMPT = (1, 2, 0, 1)


@cache
def few_words(layers: int = 2) -> LoadedModel:
    """Four words, no end of text; large weights, so that it is sure of something."""
    config = GPT2Config(
        n_layer=layers,
        n_embd=8,
        n_head=2,
        n_positions=24,
        vocab_size=WORDS,
        initializer_range=0.6,
        bos_token_id=None,
        eos_token_id=None,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(8)
        model = loaded(GPT2LMHeadModel(config))
    model.eos_token_ids = ()
    return model


@torch.inference_mode()
def logprobs(model: LoadedModel, text: tuple[int, ...]) -> torch.Tensor:
    """What comes after a text (vocabulary,), without a cache."""
    return model.model(torch.tensor([text]), use_cache=False).logits[0, -1].float().log_softmax(-1)


@torch.inference_mode()
def everything(model: LoadedModel, length: int, end: int | None = None) -> dict[tuple[int, ...], float]:
    """All continuations of this length, and those that `end` ends before, with the sums of their log-probabilities."""
    found = {}
    for words in product(range(WORDS), repeat=length):
        table = model.model(torch.tensor([[*PROMPT, *words]]), use_cache=False).logits[0].float().log_softmax(-1)
        cut = words.index(end) + 1 if end in words else length
        found[words[:cut]] = float(sum(table[len(PROMPT) - 1 + at, words[at]] for at in range(cut)))
    return found
